import type { Channel } from 'amqplib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DeadLetterOffice, deadQueue, delayExchange, EXCHANGE, HEADER, UNROUTABLE_QUEUE } from '../src/index.ts';
import { DeadLetterKit, drain, idsOf, type Parked, REPLAY, range, some } from './dead_letter_kit.ts';
import { until } from './kit.ts';

const DEAD = 'allocator.dead';
const COMMANDS = 'allocator.commands';

describe('replaying dead letters as user ops', () => {
  let kit: DeadLetterKit;
  let office: DeadLetterOffice;
  let raw: Channel;

  beforeAll(async () => {
    kit = await DeadLetterKit.open(['allocator', 'coordinator', 'gateway']);
    office = await kit.office();
    raw = await kit.channel();
  });

  beforeEach(async () => {
    for (const queue of [DEAD, COMMANDS, 'coordinator.dead', 'coordinator.events.leases', UNROUTABLE_QUEUE.name])
      await drain(raw, queue);
  });

  afterAll(() => kit.close());

  it('says what it would do and does nothing, when that is asked for', async () => {
    await kit.park([{ id: 'good' }, { id: 'bad', source: 'auth.commands' }]);
    expect(await office.replay(DEAD, { ...REPLAY, dryRun: true })).toMatchObject({ replayed: 1, refused: 1 });
    expect(await idsOf(office, DEAD)).toEqual(['good', 'bad']);
    expect(await drain(raw, COMMANDS)).toEqual([]);
  });

  it('puts a letter back as its sender sent it, with the first attempt before it', async () => {
    const headers = {
      traceparent: 't',
      'warren-actor': 'player:1',
      [HEADER.key]: 'player-1',
      [HEADER.sentAt]: 1_700_000_000_000,
    };
    await kit.park([{ id: 'one', body: '{"a":1}', options: { headers } }]);
    expect(await office.replay(DEAD, REPLAY)).toEqual({
      letters: 1,
      replayed: 1,
      refused: 0,
      refusals: [],
      stopped: undefined,
    });
    const [message] = await drain(raw, COMMANDS);
    expect(message?.content.toString()).toBe('{"a":1}');
    expect(message?.properties).toMatchObject({
      messageId: 'one',
      type: 'allocator.assign_game@1',
      userId: kit.userOf('ops'),
      appId: 'ops',
      deliveryMode: 2,
      contentType: 'application/json',
    });
    const { 'x-delivery-count': _, ...written } = message?.properties.headers ?? {};
    expect(written).toEqual({
      traceparent: 't',
      'warren-actor': 'player:1',
      'warren-key': 'player-1',
      'warren-attempt': 1,
      'warren-origin-user': kit.userOf('coordinator'),
      'warren-sent-at': 1_700_000_000_000,
      'warren-replayed': 1,
    });
    expect(await office.count(DEAD)).toBe(0);
  });

  it('takes events back to their group and pushes to their partition', async () => {
    const event: Parked = { id: 'e', source: 'coordinator.events.leases', command: 'allocator.lease_lost' };
    await kit.park([event], 'coordinator');
    await kit.park([{ id: 'p', source: 'gateway.push.07', command: 'coordinator.match_found' }], 'gateway');
    expect(await office.replay('coordinator.dead', REPLAY)).toMatchObject({ replayed: 1 });
    expect(await office.replay('gateway.dead', REPLAY)).toMatchObject({ replayed: 1 });
    expect(await drain(raw, 'coordinator.events.leases')).toMatchObject([{ properties: { messageId: 'e' } }]);
    expect(await drain(raw, 'gateway.push.07')).toMatchObject([{ properties: { messageId: 'p' } }]);
  });

  it('replays what matches, up to a limit, and leaves the rest in its order', async () => {
    const ids = range(3_000);
    await kit.park(ids.map((id, i) => ({ id, code: i % 100 === 99 ? 'WANTED' : 'OTHER' })));
    const wanted = some((letter) => letter.code === 'WANTED');
    const report = await office.replay(DEAD, { ...REPLAY, ...wanted, limit: 20 });
    expect(report).toMatchObject({ letters: 3_000, replayed: 20, refused: 0, stopped: undefined });
    const replayed = (await drain(raw, COMMANDS)).map((message) => message.properties.messageId as string);
    expect(replayed).toEqual(ids.filter((_, i) => i % 100 === 99).slice(0, 20));
    expect(await idsOf(office, DEAD)).toEqual(ids.filter((id) => !replayed.includes(id)));
  });

  it('does not replay again in the same run what fails again meanwhile', async () => {
    await kit.park(range(50).map((id) => ({ id })));
    const again = await kit.channel('allocator');
    const { consumerTag } = await again.consume(COMMANDS, (message) => {
      if (message === null) return;
      const id = String(message.properties.messageId);
      void kit.park([{ id, options: { headers: message.properties.headers ?? {} } }]).then(() => again.ack(message));
    });
    expect(await office.replay(DEAD, REPLAY)).toMatchObject({ letters: 50, replayed: 50 });
    await until(async () => (await office.count(DEAD)) === 50, 30_000);
    await again.cancel(consumerTag);
  });

  it('leaves a letter whose queue is gone', async () => {
    await raw.deleteQueue('coordinator.events.leases');
    await kit.park([{ id: 'e', source: 'coordinator.events.leases' }], 'coordinator');
    const report = await office.replay('coordinator.dead', REPLAY);
    expect(report).toMatchObject({ replayed: 0, refused: 1 });
    expect(report.refusals[0]?.why).toContain('no such queue');
    expect(await idsOf(office, 'coordinator.dead')).toEqual(['e']);
    expect(await office.count(UNROUTABLE_QUEUE.name)).toBe(0);
    await kit.declare('coordinator');
    expect(await office.replay('coordinator.dead', REPLAY)).toMatchObject({ replayed: 1 });
  });

  it('leaves letters whose queue is not bound any more, after one stray copy', async () => {
    await raw.unbindQueue(COMMANDS, EXCHANGE.deliver, COMMANDS);
    await kit.park(range(5).map((id) => ({ id })));
    const report = await office.replay(DEAD, REPLAY);
    expect(report).toMatchObject({ replayed: 0, refused: 5 });
    expect(report.refusals[0]?.why).toContain('unroutable');
    expect(await idsOf(office, DEAD)).toEqual(range(5));
    expect((await office.replay(UNROUTABLE_QUEUE.name, REPLAY)).stopped).toContain('unroutable meanwhile');
    await raw.bindQueue(COMMANDS, EXCHANGE.deliver, COMMANDS);
    expect(await office.replay(UNROUTABLE_QUEUE.name, REPLAY)).toMatchObject({ letters: 1, replayed: 1 });
    expect(await office.replay(DEAD, REPLAY)).toMatchObject({ replayed: 5 });
  });

  it('stops at a full queue and loses nothing', async () => {
    await raw.deleteQueue('coordinator.events.leases');
    await raw.assertQueue('coordinator.events.leases', {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-max-length': 2, 'x-overflow': 'reject-publish' },
    });
    await raw.bindQueue('coordinator.events.leases', EXCHANGE.deliver, 'coordinator.events.leases');
    const ids = range(20);
    const source = 'coordinator.events.leases';
    await kit.park(
      ids.map((id) => ({ id, source })),
      'coordinator',
    );
    const report = await office.replay('coordinator.dead', REPLAY);
    expect(report.stopped).toContain('is full');
    expect(report.replayed).toBeLessThan(20);
    const there = (await drain(raw, source)).map((message) => message.properties.messageId as string);
    expect([...there, ...(await idsOf(office, 'coordinator.dead'))]).toEqual(ids);
    await raw.deleteQueue(source);
    await kit.declare('coordinator');
  });

  it('takes back what the broker itself parked after too many deliveries', async () => {
    const sender = await kit.channel('coordinator');
    const properties = { messageId: 'crash', type: 'allocator.assign_game@1', userId: kit.userOf('coordinator') };
    const headers = { [HEADER.sourceQueue]: 'gateway.push.01', [HEADER.originUser]: kit.userOf('gateway') };
    sender.publish(EXCHANGE.commands, 'allocator.assign_game', Buffer.from('{}'), { ...properties, headers });
    const crashing = await kit.channel('allocator');
    const { consumerTag } = await crashing.consume(COMMANDS, (message) => message && crashing.nack(message));
    await until(async () => (await office.count(DEAD)) === 1, 30_000);
    await crashing.cancel(consumerTag);
    const letters: unknown[] = [];
    await office.look(DEAD, { ...REPLAY, onLetter: (letter) => letters.push(letter) });
    expect(letters).toMatchObject([{ reason: 'delivery_limit', death: { queue: COMMANDS } }]);
    expect(await office.replay(DEAD, REPLAY)).toMatchObject({ replayed: 1 });
    const [message] = await drain(raw, COMMANDS);
    // neither the forged source nor the forged origin
    expect(message?.properties.headers).toMatchObject({ 'warren-origin-user': kit.userOf('coordinator') });
  });

  it('takes back what came out of a delay tier while its queue was away', async () => {
    const allocator = await kit.channel('allocator');
    await raw.unbindQueue(COMMANDS, EXCHANGE.deliver, COMMANDS);
    allocator.publish(delayExchange('1s'), COMMANDS, Buffer.from('{}'), {
      persistent: true,
      messageId: 'late',
      type: 'allocator.assign_game@1',
      userId: kit.userOf('allocator'),
      headers: { [HEADER.attempt]: 2, [HEADER.originUser]: kit.userOf('coordinator') },
    });
    await until(async () => (await office.count(UNROUTABLE_QUEUE.name)) === 1, 30_000);
    await raw.bindQueue(COMMANDS, EXCHANGE.deliver, COMMANDS);
    expect(await office.replay(UNROUTABLE_QUEUE.name, REPLAY)).toMatchObject({ replayed: 1, refused: 0 });
    expect(await drain(raw, COMMANDS)).toMatchObject([
      { properties: { messageId: 'late', headers: { 'warren-origin-user': kit.userOf('coordinator') } } },
    ]);
  });

  it('takes back what was parked while the dead letter queue was away', async () => {
    await raw.unbindQueue(DEAD, EXCHANGE.dead, deadQueue('allocator'));
    await kit.park([{ id: 'stray' }]);
    expect(await office.count(UNROUTABLE_QUEUE.name)).toBe(1);
    await raw.bindQueue(DEAD, EXCHANGE.dead, deadQueue('allocator'));
    expect(await office.replay(UNROUTABLE_QUEUE.name, REPLAY)).toMatchObject({ replayed: 1, refused: 0 });
    expect(await drain(raw, COMMANDS)).toMatchObject([{ properties: { messageId: 'stray' } }]);
  });

  const tampered: [string, Parked, RegExp][] = [
    [
      'names no source queue',
      { id: 't', options: { headers: { [HEADER.sourceQueue]: undefined } } },
      /does not say which queue/,
    ],
    ['names the queue of another service', { id: 't', source: 'gateway.push.03' }, /no queue of allocator/],
    ['names a queue that takes nothing back', { id: 't', source: 'allocator.rpc' }, /no queue of allocator/],
    ['carries foreign headers', { id: 't', options: { headers: { 'x-evil': 1, CC: ['a'] } } }, /"x-evil", "CC"/],
    ['has no id', { id: '' }, /no message id/],
    ['was parked without its end', { id: 't', options: { headers: { [HEADER.bodyBytes]: 999 } } }, /without its end/],
  ];

  it.each(tampered)('refuses a letter that %s, with a sentence, and leaves it', async (_, letter, sentence) => {
    await kit.park([letter, { id: 'good' }]);
    const report = await office.replay(DEAD, REPLAY);
    expect(report).toMatchObject({ replayed: 1, refused: 1 });
    expect(report.refusals[0]?.why).toMatch(sentence);
    expect(await idsOf(office, DEAD)).toEqual([letter.id]);
  });

  it('refuses a letter that somebody else laid into the queue', async () => {
    raw.publish('', DEAD, Buffer.from('{}'), {
      messageId: 'x',
      type: 'allocator.assign_game@1',
      headers: { [HEADER.sourceQueue]: COMMANDS },
    });
    await until(async () => (await office.count(DEAD)) === 1);
    const report = await office.replay(DEAD, REPLAY);
    expect(report.refusals[0]?.why).toContain('not written by allocator');
  });

  it('asks its caller before each letter, and stops between two when it is told to', async () => {
    const stop = new AbortController();
    const ids = range(200);
    await kit.park(ids.map((id) => ({ id })));
    const report = await office.replay(DEAD, {
      ...REPLAY,
      signal: stop.signal,
      refuse: ({ messageId }) => (messageId === 'm3' ? 'is too old' : undefined),
      onProgress: ({ replayed }) => {
        if (replayed === 10) stop.abort();
      },
    });
    expect(report).toMatchObject({ replayed: 10, refused: 1, stopped: 'Interrupted.' });
    expect((await drain(raw, COMMANDS)).length).toBe(10);
    expect(await idsOf(office, DEAD)).toEqual(['m3', ...ids.slice(11)]);
  });
});
