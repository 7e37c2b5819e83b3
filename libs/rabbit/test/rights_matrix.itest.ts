import { type TempVhost, tempVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { brokerPrefixes, EXCHANGES, rpcQueue, SERVICES } from '../src/index.ts';
import {
  type Asker,
  everyQueue,
  mayBind,
  mayDeadLetterTo,
  mayPublish,
  mayRead,
  type OwnedQueue,
} from './intended_rights.ts';
import { type Cell, RightsProbe } from './rights_probe.ts';
import { serviceUsers } from './service_users.ts';

const ALL_EXCHANGES = [...EXCHANGES.map(({ name }) => name), ''];
const BODY = Buffer.from('{}');

let vhost: TempVhost;
let queues: readonly OwnedQueue[];
const probes = new Map<string, RightsProbe>();

/** Every queue is there, and those that end when nobody uses them are in use. */
beforeAll(async () => {
  vhost = await tempVhost();
  const urlOf = await serviceUsers(vhost);
  queues = everyQueue((prefix) => vhost.userPrefix + prefix);
  for (const prefix of brokerPrefixes()) {
    const probe = await RightsProbe.open(urlOf(prefix));
    probes.set(prefix, probe);
    for (const { owner, queue } of queues) if (owner === prefix) await probe.keep(declaring(queue));
    if (queues.some(({ queue }) => queue.name === rpcQueue(prefix)))
      await probe.keep((channel) => channel.consume(rpcQueue(prefix), () => undefined, { noAck: true }));
  }
});

afterAll(async () => {
  for (const probe of probes.values()) await probe.close();
  await vhost.drop();
});

const declaring =
  ({ name, durable, exclusive, autoDelete, arguments: args }: OwnedQueue['queue']): Cell['deed'] =>
  (channel) =>
    channel.assertQueue(name, { durable, exclusive, autoDelete, arguments: args });

/** By a consumer, but where it would be the only one: then the queue would go with it. */
const reading =
  ({ name, autoDelete }: OwnedQueue['queue']): Cell['deed'] =>
  async (channel) => {
    if (autoDelete) return channel.get(name);
    const { consumerTag } = await channel.consume(name, () => undefined);
    return channel.cancel(consumerTag);
  };

/** Whose resources are made, changed and removed by whom. What is allowed is only made: it is needed afterwards. */
function configureCells({ prefix }: Asker): Cell[] {
  const exchanges = EXCHANGES.flatMap(({ name, type, alternate }) => {
    const may = prefix === 'topology';
    const options = alternate === undefined ? {} : { alternateExchange: alternate };
    const declare: Cell['deed'] = (channel) => channel.assertExchange(name, type, options);
    const remove: Cell['deed'] = (channel) => channel.deleteExchange(name);
    return [
      { title: `declare ${name}`, may, deed: declare },
      ...(may ? [] : [{ title: `delete ${name}`, may, deed: remove }]),
    ];
  });
  const ofQueues = queues.flatMap(({ owner, queue }) => {
    const may = owner === prefix;
    const remove: Cell['deed'] = (channel) => channel.deleteQueue(queue.name);
    const declare = { title: `declare ${queue.name}`, may, deed: declaring(queue) };
    return [declare, ...(may ? [] : [{ title: `delete ${queue.name}`, may, deed: remove }])];
  });
  return [...exchanges, ...ofQueues];
}

/** A queue of one's own for each exchange to which it could dead-letter. */
function letterCells(asker: Asker): Cell[] {
  const { prefix, user } = asker;
  const name = { topology: 'warren.letters', ops: `rpc.${user}.letters` }[prefix] ?? `${prefix}.letters`;
  return ALL_EXCHANGES.map((exchange, i) => ({
    title: `dead-letter to ${exchange}`,
    may: mayDeadLetterTo(asker, exchange),
    deed: (channel) => channel.assertQueue(`${name}.${i}`, { exclusive: true, deadLetterExchange: exchange }),
  }));
}

const readCells = (asker: Asker): Cell[] =>
  queues.map((one) => ({
    title: `read ${one.queue.name}`,
    may: mayRead(asker, one),
    deed: reading(one.queue),
  }));

/** Each queue to each exchange with each key. A queue of somebody else is refused whatever the key: one will do. */
function bindCells(asker: Asker): Cell[] {
  const own = queues.find(({ owner }) => owner === asker.prefix);
  return ALL_EXCHANGES.flatMap((exchange) => {
    const keys = [...everyKey(), ...patterns()];
    const legal = keys.find((key) => mayBind(asker, exchange, key)) ?? '#';
    const cell = ({ owner, queue }: OwnedQueue, key: string): Cell => ({
      title: `bind ${queue.name} to ${exchange} by "${key}"`,
      may: owner === asker.prefix && mayBind(asker, exchange, key),
      deed: (channel) => channel.bindQueue(queue.name, exchange, key),
    });
    return [...(own === undefined ? [] : keys.map((key) => cell(own, key))), ...queues.map((one) => cell(one, legal))];
  });
}

const writeCells = (asker: Asker): Cell[] =>
  ALL_EXCHANGES.flatMap((exchange) =>
    everyKey().map((key) => ({
      title: `publish to ${exchange} with "${key}"`,
      may: mayPublish(asker, exchange, key),
      deed: async (channel) => {
        channel.publish(exchange, key, BODY);
        await channel.waitForConfirms();
      },
    })),
  );

/** The name of every queue, commands and events of every service, and what nobody should send. */
function everyKey(): string[] {
  const plain = [
    ...queues.map(({ queue }) => queue.name),
    ...SERVICES.flatMap(({ prefix }) =>
      ['do_it', 'do_it.p03', 'do_it.p03.x', 'a.b'].map((rest) => `${prefix}.${rest}`),
    ),
    ...SERVICES.flatMap(({ events }) => Object.values(events).flat()),
    ...SERVICES.map(({ prefix }) => `rpc.${vhost.userPrefix}${prefix}.j.2`),
    'push.03',
    'push.3',
    'gateway.node.j.2',
    'rpc.',
    'game.secret',
    '',
  ];
  const hidden = SERVICES.map(({ prefix }) => `${prefix}.do_it`);
  return [...new Set([...plain, ...[...hidden, 'allocator.dead', 'push.03'].map((key) => `${key}\n`)])];
}

const patterns = (): string[] => [
  ...SERVICES.flatMap(({ prefix }) => ['*', '#', '*.p03', '*\n'].map((rest) => `${prefix}.${rest}`)),
  '#',
  '*',
  '*.*',
  'rpc.#',
  'push.*',
  'gateway.node.#',
  '*.lease_lost',
];

it('nobody may do anything on the broker but what the design gives them', { timeout: 180_000 }, async () => {
  const begin = performance.now();
  const counts: Record<string, number> = {};
  const walk = async (prefix: string): Promise<string[]> => {
    const asker = { prefix, user: vhost.userPrefix + prefix };
    const wrong: string[] = [];
    // writing comes last: what lies in a queue would be taken by those who read
    for (const [right, cellsOf] of Object.entries({ configureCells, letterCells, readCells, bindCells, writeCells })) {
      const cells = cellsOf(asker);
      counts[right] = (counts[right] ?? 0) + cells.length;
      wrong.push(...((await probes.get(prefix)?.wrong(cells)) ?? ['not connected']));
    }
    return wrong.map((cell) => `${prefix}: ${cell}`);
  };
  const wrong = (await Promise.all(brokerPrefixes().map(walk))).flat();
  const cells = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
  process.stdout.write(`rights: ${cells} cells in ${seconds} s: ${JSON.stringify(counts)}\n`);
  expect(wrong).toEqual([]);
});
