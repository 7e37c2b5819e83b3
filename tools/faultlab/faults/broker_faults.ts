import { setTimeout as sleep } from 'node:timers/promises';
import { hash32 } from '@warren/kernel';
import { commandsQueue, PUSH_PARTITIONS, pushQueue, queuesOf, rpcQueue, serviceSpec } from '@warren/rabbit';
import { bindQueue, clearMemoryAlarm, raiseMemoryAlarm, unbindQueue } from '@warren/testing';
import { FLEET } from '../load/fleet_server.ts';
import type { LabSystem } from '../system/lab_system.ts';
import { BrokenPromise, type Fault, type FaultType } from './fault.ts';

const VHOST = 'warren';
/** Queues whose loss takes nothing along that somebody was promised: requests that somebody repeats. */
const DELETABLE = ['auth', 'allocator', 'coordinator'].map(rpcQueue);
/** Of what the game servers of the lab are told. */
const PUSH_QUEUES = [...new Set(FLEET.map((server) => pushQueue(hash32(`server:${server}`) % PUSH_PARTITIONS)))];

/** Whoever consumes it may itself be cut off at the moment. */
const DECLARED_WITHIN_MS = 25_000;
const POLL_MS = 300;
/**
 * RabbitMQ 3.10 writes down half a second late which log belongs to a new quorum queue; killed before, it comes back with
 * a queue that answers nobody.
 */
const REGISTERED_MS = 1_500;

const binary = (text: string): string => `<<"${text}">>`;
const resource = (queue: string): string => `rabbit_misc:r(${binary(VHOST)}, queue, ${binary(queue)})`;

/** As the broker does it when its memory runs short: whoever publishes is blocked, consumers go on. */
async function memoryAlarm({ servers }: LabSystem, { holdMs }: Fault): Promise<void> {
  await servers.inTurn('rabbitmq', async () => {
    await raiseMemoryAlarm(servers.rabbitmq.admin);
    await sleep(holdMs);
    await clearMemoryAlarm(servers.rabbitmq.admin);
  });
}

/** Healed when the queue is there again, because its consumers declared it. */
async function deleteQueue({ servers }: LabSystem, { target }: Fault): Promise<void> {
  const lookup = `rabbit_amqqueue:lookup(${resource(target)})`;
  await servers.inTurn('rabbitmq', async () => {
    await servers.erlang(
      `case ${lookup} of {ok, Q} -> rabbit_amqqueue:delete(Q, false, false, ${binary('faultlab')}); _ -> missing end.`,
    );
    const end = performance.now() + DECLARED_WITHIN_MS;
    while ((await servers.erlang(`element(1, ${lookup}).`)) !== 'ok') {
      if (performance.now() > end) throw new BrokenPromise(`${target} was not declared again`);
      await sleep(POLL_MS);
    }
    await sleep(REGISTERED_MS);
  });
}

/** What is sent meanwhile finds no queue: whoever sent it is told, and keeps it. */
async function unbind({ servers, warren }: LabSystem, { target, holdMs }: Fault): Promise<void> {
  const [owner = ''] = target.split('.');
  const binding = queuesOf(serviceSpec(owner)).find(({ name }) => name === target)?.bindings[0];
  if (binding === undefined) throw new Error(`${target} is bound to nothing`);
  const url = warren.brokerUrl(owner);
  await servers.inTurn('rabbitmq', async () => {
    await unbindQueue(url, target, binding);
    await sleep(holdMs);
    await bindQueue(url, target, binding);
  });
}

async function closeConnections({ servers }: LabSystem): Promise<void> {
  await servers.inTurn('rabbitmq', () =>
    servers.erlang(
      'lists:foreach(fun(Pid) -> rabbit_networking:close_connection(Pid, "closed by the fault lab") end, rabbit_networking:connections()).',
    ),
  );
}

/** What the broker itself does to its clients. */
export const BROKER_FAULTS = {
  'broker.alarm': { targets: ['rabbitmq'], holdMs: [3_000, 7_000], recoverMs: 5_000, inject: memoryAlarm },
  'broker.delete_queue': {
    targets: [...DELETABLE, ...PUSH_QUEUES],
    holdMs: [0, 0],
    recoverMs: 4_000,
    inject: deleteQueue,
  },
  'broker.unbind': {
    targets: [...DELETABLE, commandsQueue('allocator'), ...PUSH_QUEUES],
    holdMs: [1_500, 4_000],
    recoverMs: 2_000,
    inject: unbind,
  },
  'broker.close_connections': { targets: ['rabbitmq'], holdMs: [0, 0], recoverMs: 4_000, inject: closeConnections },
} as const satisfies Readonly<Record<string, FaultType>>;
