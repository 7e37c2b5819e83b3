import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeadLetter, DeadLetterOffice, RABBIT_ERRORS } from '../src/index.ts';
import { DeadLetterKit, drain, EVERY, idsOf, range, some } from './dead_letter_kit.ts';
import { until } from './kit.ts';

const DEAD = 'allocator.dead';

describe('looking at dead letters', () => {
  let kit: DeadLetterKit;
  let office: DeadLetterOffice;

  beforeAll(async () => {
    kit = await DeadLetterKit.open();
    office = await kit.office();
  });

  afterAll(() => kit.close());

  it('shows what a letter is, in words that do not depend on AMQP', async () => {
    await kit.park([{ id: 'one', code: 'X', reason: 'defect' }]);
    const letters: DeadLetter[] = [];
    const report = await office.look(DEAD, { ...EVERY, onLetter: (letter) => letters.push(letter) });
    expect(report).toEqual({ letters: 1, matched: 1 });
    expect(letters).toMatchObject([
      { queue: DEAD, messageId: 'one', command: 'allocator.assign_game', reason: 'defect', code: 'X', replays: 0 },
    ]);
    expect(Math.abs(Date.now() - (letters[0]?.parkedAt ?? 0))).toBeLessThan(60_000);
    await drain(await kit.channel(), DEAD);
  });

  it('leaves 3,000 letters in their order, however often and how far somebody looks', async () => {
    const ids = range(3_000);
    await kit.park(ids.map((id) => ({ id })));
    for (const limit of [3_000, 7, 1, 1_500, 64]) {
      const seen: string[] = [];
      const report = await office.look(DEAD, { ...EVERY, limit, onLetter: ({ messageId }) => seen.push(messageId) });
      expect(report).toEqual({ letters: 3_000, matched: limit });
      expect(seen).toEqual(ids.slice(0, limit));
    }
    await kit.park([{ id: 'newest' }]);
    const found: string[] = [];
    const query = some((letter) => letter.messageId === 'm2999' || letter.messageId === 'm5');
    await office.look(DEAD, { ...query, onLetter: ({ messageId }) => found.push(messageId) });
    expect(found).toEqual(['m5', 'm2999']);
    expect(await idsOf(office, DEAD)).toEqual([...ids, 'newest']);
  });

  it('keeps letters through more looks than the 20 deliveries after which RabbitMQ 4 would delete them', async () => {
    const before = await office.count(DEAD);
    for (let i = 0; i < 25; i++) await office.look(DEAD, { ...EVERY, limit: 5, onLetter: () => undefined });
    expect(await office.count(DEAD)).toBe(before);
    let deliveries: unknown;
    const onLetter = ({ headers }: DeadLetter): void => void (deliveries = headers['x-delivery-count']);
    await office.look(DEAD, { ...EVERY, limit: 1, onLetter });
    expect(deliveries).toBeGreaterThan(20);
  });

  it('ends at once when it is told to, and has put everything back by then', async () => {
    const stop = new AbortController();
    let seen = 0;
    const onLetter = (): void => {
      if (++seen === 10) stop.abort();
    };
    await office.look(DEAD, { ...EVERY, signal: stop.signal, onLetter });
    expect(seen).toBe(10);
    expect(await office.count(DEAD)).toBe(3_001);
  });

  it('waits for a reader that is about to go, and refuses to disturb one that stays', { timeout: 60_000 }, async () => {
    const other = await kit.channel();
    const { consumerTag } = await other.consume('coordinator.dead', () => undefined);
    await until(async () => (await other.checkQueue('coordinator.dead')).consumerCount === 1);
    const looking = office.look('coordinator.dead', { ...EVERY, onLetter: () => undefined });
    setTimeout(() => void other.cancel(consumerTag), 300);
    expect(await looking).toMatchObject({ letters: 0 });
    await other.consume('coordinator.dead', () => undefined);
    await expect(office.look('coordinator.dead', { ...EVERY, onLetter: () => undefined })).rejects.toMatchObject({
      code: 'DEAD_LETTERS_BUSY' satisfies keyof typeof RABBIT_ERRORS,
    });
  });

  it('says that there is no such queue, and still works afterwards', async () => {
    expect(await office.count('nobody.dead')).toBeUndefined();
    await expect(office.look('nobody.dead', { ...EVERY, onLetter: () => undefined })).rejects.toMatchObject({
      code: 'BROKER_TOPOLOGY_MISSING',
    });
    expect(await office.count(DEAD)).toBe(3_001);
  });

  it('drops what was confirmed and nothing else', async () => {
    const isOdd = (id: string): boolean => /[13579]$/.test(id);
    const odd = some(({ messageId }) => isOdd(messageId));
    const before = await idsOf(office, DEAD);
    const [letters, dropped] = [before.length, before.filter(isOdd).length];
    const kept = before.filter((id) => !isOdd(id));
    const seen: string[] = [];
    const options = { ...odd, onLetter: ({ messageId }: DeadLetter): void => void seen.push(messageId) };
    const refused = await office.drop(DEAD, { ...options, confirm: async () => false });
    expect(refused).toEqual({ letters, dropped: 0 });
    const counts: number[] = [];
    const confirm = async (count: number): Promise<boolean> => {
      counts.push(count);
      await kit.park([{ id: 'younger1' }]);
      return true;
    };
    expect(await office.drop(DEAD, { ...options, confirm })).toEqual({ letters, dropped });
    expect(counts).toEqual([dropped]);
    expect(await idsOf(office, DEAD)).toEqual([...kept, 'younger1']);
  });

  it('drops no more than the limit, from the head', async () => {
    const before = await idsOf(office, DEAD);
    await office.drop(DEAD, { ...EVERY, limit: 3, onLetter: () => undefined, confirm: async () => true });
    expect(await idsOf(office, DEAD)).toEqual(before.slice(3));
  });

  it('has dropped what it says, although the broker forgets acks when a channel is closed behind many of them', async () => {
    for (let round = 0; round < 3; round++) {
      await kit.park(range(20_000).map((id) => ({ id })));
      const letters = (await office.count(DEAD)) ?? 0;
      const options = { ...EVERY, onLetter: () => undefined, confirm: async () => true };
      expect(await office.drop(DEAD, options)).toEqual({ letters, dropped: letters });
      expect(await office.count(DEAD)).toBe(0);
    }
  }, 90_000);
});
