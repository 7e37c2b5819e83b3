import { setTimeout as sleep } from 'node:timers/promises';
import { RELEASE_GAME } from '@warren/contracts';
import { newId, silentLogger } from '@warren/kernel';
import { ConfirmedPublisher, commandsQueue, EXCHANGE, RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { clearMemoryAlarm, raiseMemoryAlarm } from '@warren/testing';
import type { LabSystem } from '../system/lab_system.ts';
import { BrokenPromise, type Fault, type FaultType } from './fault.ts';

/** Far more than all consumers together hold unsettled, and than they do before the first of their answers is blocked. */
const BACKLOG = 1_500;
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 500;
const QUEUE = commandsQueue('allocator');

/**
 * Work waits in a queue when the memory alarm comes. Whoever publishes is blocked then; whoever consumes must go on, so the
 * work is done while the alarm lasts.
 */
async function alarmOverBacklog(system: LabSystem, { holdMs }: Fault): Promise<void> {
  const allocators = ['allocator-0', 'allocator-1'].map((id) => system.replica(id));
  for (const replica of allocators) replica.signal('SIGSTOP');
  try {
    await publishReleases(system);
    await raiseMemoryAlarm(system.servers.rabbitmq.admin);
    for (const replica of allocators) replica.signal('SIGCONT');
    const left = await drained(system, performance.now() + holdMs);
    if (left > 0) throw new BrokenPromise(`${left} of ${BACKLOG} commands waited until the end of the alarm`);
  } finally {
    for (const replica of allocators) replica.signal('SIGCONT');
    await clearMemoryAlarm(system.servers.rabbitmq.admin);
  }
}

/** Releases of games that nobody knows: work without an effect. */
async function publishReleases({ warren }: LabSystem): Promise<void> {
  const [logger, metrics] = [silentLogger(), new Metrics('faultlab')];
  const url = warren.brokerUrl('coordinator');
  const link = new RabbitLink({ url, role: 'publish', name: 'faultlab.backlog', logger, metrics });
  link.start();
  await link.ready(READY_TIMEOUT_MS);
  const publisher = new ConfirmedPublisher({ link, prefix: 'coordinator', logger, metrics });
  const outcomes = await Promise.all(Array.from({ length: BACKLOG }, () => publisher.publish(releaseOf(newId()))));
  await publisher.stop();
  await link.stop();
  const confirmed = outcomes.filter((outcome) => outcome === 'confirmed').length;
  if (confirmed < BACKLOG) throw new Error(`only ${confirmed} of ${BACKLOG} commands could be published`);
}

const releaseOf = (gameId: string): Parameters<ConfirmedPublisher['publish']>[0] => ({
  exchange: EXCHANGE.commands,
  key: RELEASE_GAME.name,
  body: Buffer.from(JSON.stringify({ game_id: gameId, reason: 'ended' })),
  messageId: newId(),
  type: `${RELEASE_GAME.name}@${RELEASE_GAME.version}`,
  persistent: true,
});

/** Messages that are left in the queue when it is empty enough, or when the time is over. */
async function drained({ servers }: LabSystem, until: number): Promise<number> {
  for (;;) {
    const left = Number(await servers.erlang(COUNT));
    // what came meanwhile, and what has just been delivered
    if (left < BACKLOG / 50) return 0;
    if (performance.now() > until) return left;
    await sleep(POLL_MS);
  }
}

const COUNT = `begin {ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"warren">>, queue, <<"${QUEUE}">>)), proplists:get_value(messages, rabbit_amqqueue:info(Q, [messages])) end.`;

export const BACKLOG_FAULTS = {
  'broker.alarm_backlog': {
    targets: ['rabbitmq'],
    holdMs: [20_000, 25_000],
    recoverMs: 8_000,
    inject: (system, fault) => system.servers.inTurn('rabbitmq', () => alarmOverBacklog(system, fault)),
  },
} as const satisfies Readonly<Record<string, FaultType>>;
