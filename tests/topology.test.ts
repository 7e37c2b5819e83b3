import {
  commandsQueue,
  DELAY_TIERS,
  deadQueue,
  delayExchange,
  EXCHANGE,
  EXCHANGES,
  KEYED_PARTITIONS,
  keyedKey,
  keyedQueues,
  nodeQueueSpec,
  PUSH_PARTITIONS,
  pushKey,
  pushQueue,
  type QueueSpec,
  queuesOf,
  replyQueueSpec,
  retryQueue,
  rpcQueue,
  SERVICES,
  UNROUTABLE_QUEUE,
} from '@warren/rabbit';
import { describe, expect, test } from 'vitest';

const QUEUE_NAME = /^[a-z]+\.(rpc|commands|dead|events\.[a-z_]+|retry\.\d+[sm]|push\.\d\d)$/;
/** Longest time a message may wait in a tier; what waits longer is a schedule. */
const MAX_DELAY_MS = 600_000;
const declared = SERVICES.flatMap(queuesOf);
const isWork = ({ name }: QueueSpec): boolean => /\.(commands|push\.\d\d)$|\.events\./.test(name);
const bound = (queue: QueueSpec): string[] => queue.bindings.map(({ exchange, pattern }) => `${exchange} ${pattern}`);

test('services have different prefixes and apps, and call only each other', () => {
  const prefixes = SERVICES.map(({ prefix }) => prefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
  expect(new Set(SERVICES.map(({ app }) => app)).size).toBe(prefixes.length);
  for (const { prefix, calls } of SERVICES) {
    expect(prefix).toMatch(/^[a-z]+$/);
    expect(prefixes).toEqual(expect.arrayContaining([...calls]));
    expect(calls).not.toContain(prefix);
  }
});

test('every service that is called answers RPC', () => {
  for (const prefix of SERVICES.flatMap(({ calls }) => calls)) {
    expect(SERVICES.find((service) => service.prefix === prefix)).toMatchObject({ rpc: true });
  }
});

test('every exchange is a topic exchange named warren.*, because topic permissions limit the keys', () => {
  expect(EXCHANGES.map(({ name }) => name).toSorted()).toEqual(
    [...Object.values(EXCHANGE), ...DELAY_TIERS.map(({ name }) => delayExchange(name))].toSorted(),
  );
  for (const { name, type } of EXCHANGES) {
    expect(type).toBe('topic');
    expect(name).toMatch(/^warren(\.[a-z0-9]+)+$/);
  }
});

test('only deliver and dead have an alternate exchange: elsewhere an unroutable message must come back', () => {
  const alternates = EXCHANGES.filter(({ alternate }) => alternate !== undefined);
  expect(alternates.map(({ name }) => name)).toEqual([EXCHANGE.deliver, EXCHANGE.dead]);
  expect(alternates.map(({ alternate }) => alternate)).toEqual([EXCHANGE.unroutable, EXCHANGE.unroutable]);
  expect(bound(UNROUTABLE_QUEUE)).toEqual([`${EXCHANGE.unroutable} #`]);
});

test('no queue is declared twice', () => {
  const names = [...declared, UNROUTABLE_QUEUE].map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('every queue is bounded, refuses what is too much where it matters, and is bound to known exchanges', () => {
  const exchanges = EXCHANGES.map(({ name }) => name);
  for (const queue of [...declared, UNROUTABLE_QUEUE]) {
    expect(queue.arguments['x-max-length'], queue.name).toBeGreaterThan(0);
    for (const { exchange } of queue.bindings) expect(exchanges, queue.name).toContain(exchange);
  }
  for (const queue of declared) expect(queue.arguments['x-overflow'], queue.name).toBe('reject-publish');
});

describe.for(SERVICES.map((service) => [service.prefix, service] as const))('%s', ([prefix, service]) => {
  const queues = queuesOf(service);
  const work = queues.filter(isWork);

  test('its queues start with its prefix and follow the naming rule', () => {
    for (const { name } of queues) {
      expect(name).toMatch(QUEUE_NAME);
      expect(name.split('.')[0]).toBe(prefix);
    }
  });

  test('it has exactly the queues that its ways ask for', () => {
    const names = queues.map(({ name }) => name);
    expect(names.includes(rpcQueue(prefix))).toBe(service.rpc);
    expect(names.includes(commandsQueue(prefix))).toBe(service.commands);
    expect(names.includes(deadQueue(prefix))).toBe(work.length > 0);
    expect(names.filter((name) => name.includes('.events.'))).toEqual(
      Object.keys(service.events).map((group) => `${prefix}.events.${group}`),
    );
  });

  test('commands and calls have keys of two words: its prefix and one more', () => {
    const keyed = queues
      .flatMap(({ bindings }) => bindings)
      .filter(({ exchange }) => exchange === EXCHANGE.rpc || exchange === EXCHANGE.commands);
    expect(keyed.length).toBe(Number(service.rpc) + Number(service.commands));
    for (const { pattern } of keyed) expect(pattern).toBe(`${prefix}.*`);
  });

  test('it subscribes to events of other services only, by their full names', () => {
    for (const name of Object.values(service.events).flat()) {
      expect(name).toMatch(/^[a-z]+\.[a-z]+(_[a-z]+)*$/);
      expect(SERVICES.map((other) => other.prefix)).toContain(name.split('.')[0]);
      expect(name.split('.')[0]).not.toBe(prefix);
    }
  });

  test('what must not be lost lies in durable quorum queues with dead letters and a limit of deliveries', () => {
    for (const queue of work) {
      expect(queue, queue.name).toMatchObject({ durable: true, exclusive: false, autoDelete: false });
      expect(queue.arguments, queue.name).toMatchObject({
        'x-queue-type': 'quorum',
        'x-delivery-limit': 10,
        'x-dead-letter-exchange': EXCHANGE.dead,
        'x-dead-letter-routing-key': deadQueue(prefix),
        'x-dead-letter-strategy': 'at-least-once',
      });
      expect(bound(queue), queue.name).toContain(`${EXCHANGE.deliver} ${queue.name}`);
    }
  });

  test('dead letters of its queues, and no others, arrive in its dead queue', () => {
    const dead = queues.find(({ name }) => name === deadQueue(prefix));
    if (dead === undefined) return expect(work).toEqual([]);
    expect(bound(dead)).toEqual([`${EXCHANGE.dead} ${deadQueue(prefix)}`]);
    expect(dead.arguments).not.toHaveProperty('x-message-ttl');
    expect(dead.arguments).not.toHaveProperty('x-dead-letter-exchange');
  });

  test('it has delay tiers of its own when it has commands or events', () => {
    const retries = queues.filter(({ name }) => name.startsWith(`${prefix}.retry.`));
    const wanted = service.commands || Object.keys(service.events).length > 0 ? DELAY_TIERS : [];
    expect(retries.map(({ name }) => name)).toEqual(wanted.map((tier) => retryQueue(prefix, tier.name)));
    for (const [index, tier] of wanted.entries()) {
      const queue = retries[index];
      expect(queue?.bindings).toEqual([{ exchange: delayExchange(tier.name), pattern: `${prefix}.#` }]);
      expect(queue?.arguments).toMatchObject({
        'x-message-ttl': tier.delayMs,
        'x-dead-letter-exchange': EXCHANGE.deliver,
      });
      // A key of its own would send every message of the tier to one queue instead of back to where it came from.
      expect(queue?.arguments).not.toHaveProperty('x-dead-letter-routing-key');
    }
  });

  test('calls wait in a classic queue that vanishes with its service and keeps no dead letters', () => {
    const queue = queues.find(({ name }) => name === rpcQueue(prefix));
    if (!service.rpc) return expect(queue).toBeUndefined();
    expect(queue?.arguments).toMatchObject({ 'x-queue-type': 'classic', 'x-expires': 10_000 });
    expect(queue?.arguments).not.toHaveProperty('x-dead-letter-exchange');
  });
});

test('delay tiers rise from one second to ten minutes, each named by its length', () => {
  const delays = DELAY_TIERS.map(({ delayMs }) => delayMs);
  expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  expect(delays.at(-1)).toBe(MAX_DELAY_MS);
  for (const { name, delayMs } of DELAY_TIERS) {
    const [, count, unit] = /^(\d+)([sm])$/.exec(name) ?? [];
    expect(Number(count) * (unit === 'm' ? 60_000 : 1_000)).toBe(delayMs);
  }
});

test('pushes are spread over partitions with one active consumer each, received by one service', () => {
  const receivers = SERVICES.filter(({ delivers }) => delivers);
  expect(receivers.map(({ prefix }) => prefix)).toEqual(['gateway']);
  const partitions = declared.filter(({ name }) => name.includes('.push.'));
  expect(partitions.map(({ name }) => name)).toEqual(
    Array.from({ length: PUSH_PARTITIONS }, (_, index) => pushQueue(index)),
  );
  for (const [index, queue] of partitions.entries()) {
    expect(queue.arguments).toMatchObject({ 'x-single-active-consumer': true });
    expect(bound(queue)).toContain(`${EXCHANGE.push} ${pushKey(index)}`);
  }
});

test('queues of one process are exclusive, vanish with it and are bound by their own name alone', () => {
  for (const [queue, exchange, prefix] of [
    [replyQueueSpec('auth', 'i1', 2), EXCHANGE.replies, 'rpc.auth.'],
    [nodeQueueSpec('i1', 2), EXCHANGE.push, 'gateway.node.'],
  ] as const) {
    expect(queue).toMatchObject({ durable: false, exclusive: true, autoDelete: true });
    expect(queue.name).toBe(`${prefix}i1.2`);
    expect(queue.bindings).toEqual([{ exchange, pattern: queue.name }]);
  }
});

test('commands in sequence have a queue per partition, which never gets the commands without a key nor those of another one', () => {
  const queues = keyedQueues('allocator');
  expect(queues).toHaveLength(KEYED_PARTITIONS);
  for (const [index, queue] of queues.entries()) {
    expect(queue.name).toBe(`allocator.commands.p${String(index).padStart(2, '0')}`);
    expect(bound(queue)).toEqual([
      `${EXCHANGE.commands} allocator.*.p${String(index).padStart(2, '0')}`,
      `${EXCHANGE.deliver} ${queue.name}`,
    ]);
    expect(queue.arguments).toMatchObject({ 'x-single-active-consumer': true, 'x-queue-type': 'quorum' });
    // it changes hands when replicas come and go, which counts as a delivery on some versions of the broker
    expect(queue.arguments['x-delivery-limit']).toBeGreaterThan(10);
  }
  expect(keyedKey('allocator.grant_item', 3)).toBe('allocator.grant_item.p03');
});
