import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DELAY_TIERS, declareExchanges, delayExchange, EXCHANGE } from '@warren/rabbit';
import { bySize, type PrivateServers, privateServers, type TestBroker, unbindQueue } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { broken, Kit, pause, type RawChannel, until, WORK } from './kit.ts';

const SOAK_MS = bySize({ short: 20_000, full: 600_000 });
const SEND_EVERY_MS = 50;
const SENT_AT_ONCE = 2;
/** Commands that succeed meanwhile: while most of them failed the listener would pause. */
const SOUND_AT_ONCE = 4;
/** Every tenth command goes through all tiers, the others have had all attempts but the last. */
const FROM_THE_START_EVERY = 10;
const LAST_ATTEMPT = DELAY_TIERS.length + 1;
/** The log of all quorum queues starts anew at this size, so that a soak of minutes shows what one of months would. */
const WAL_BYTES = bySize({ short: 256, full: 1024 }) * 1024;
const SAMPLE_EVERY_MS = SOAK_MS / 40;
/** Logs, segments and indexes of queues that hold some hundred or some thousand messages. */
const MOST_BYTES = bySize({ short: 8, full: 48 }) * 1024 * 1024;
/** Of the second half of the soak over the first. */
const MOST_GROWTH = bySize({ short: 4, full: 1.5 });
/** The broker gives a message up after so many returns, ours or its own. */
const DELIVERY_LIMIT = 10;

interface RunOf {
  readonly id: string;
  readonly attempt: number;
  readonly at: number;
}

let servers: PrivateServers;
let broker: TestBroker;
let folder: string;
let kit: Kit;
let raw: RawChannel;
const runs: RunOf[] = [];

beforeAll(async () => {
  servers = await privateServers();
  [kit, broker] = await Promise.all([
    Kit.open(),
    servers.rabbit({ configuration: [`raft.wal_max_size_bytes = ${WAL_BYTES}`, 'raft.segment_max_entries = 512'] }),
  ]);
  folder = /"(.*)"/.exec(await broker.erlang('rabbit_mnesia:dir().'))?.[1] ?? '';
  await declareExchanges(broker.url);
  kit.works.set('fail', async (dto, { command }) => {
    runs.push({ id: dto.text, attempt: command.attempt, at: performance.now() });
    throw broken();
  });
  await kit.service({ url: broker.url });
  ({ raw } = await kit.caller('coordinator', broker.url));
});

afterAll(async () => {
  await kit.close();
  await servers.destroy();
});

const send = (text: string, attempt: number, how = 'fail'): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text }), {
    type: 'allocator.do_work@1',
    headers: { 'warren-attempt': attempt },
  });

/** Files and folders of a log come and go while they are counted. */
async function bytesOf(place: string): Promise<number> {
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async (entry) => {
    const at = path.join(place, entry.name);
    if (entry.isDirectory()) return bytesOf(at);
    return (await stat(at).catch(() => undefined))?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Takes what is parked, so that it does not count as growth. */
async function emptyDeadLetters(): Promise<number> {
  let taken = 0;
  while ((await raw.take('allocator.dead')) !== undefined) taken++;
  return taken;
}

/** What is wrong with the runs of one message: too many, in the wrong order, or too soon after the one before. */
function faultsOf(of: readonly RunOf[]): string[] {
  return of.slice(1).flatMap((run, i) => {
    const before = of[i];
    if (before === undefined) return [];
    const waited = run.at - before.at;
    const least = (DELAY_TIERS[before.attempt - 1]?.delayMs ?? Number.POSITIVE_INFINITY) * 0.9;
    if (run.attempt === before.attempt + 1 && waited >= least) return [];
    return [`${run.id}: attempt ${run.attempt} ${Math.round(waited)} ms after attempt ${before.attempt}`];
  });
}

test('commands that always fail run once per attempt and tier, and the folder of the broker stops growing', {
  timeout: SOAK_MS + 180_000,
}, async () => {
  const sizes: number[] = [];
  // not to be taken for what an earlier try has left in the tiers
  const own = randomUUID();
  let [sent, parked] = [0, 0];
  const end = performance.now() + SOAK_MS;
  const sending = (async (): Promise<void> => {
    while (performance.now() < end) {
      const ids = Array.from({ length: SENT_AT_ONCE }, () => sent++);
      await Promise.all(ids.map((id) => send(`${own} ${id}`, id % FROM_THE_START_EVERY === 0 ? 1 : LAST_ATTEMPT)));
      await Promise.all(Array.from({ length: SOUND_AT_ONCE }, () => send('sound', 1, 'echo')));
      await pause(SEND_EVERY_MS);
    }
  })();
  while (performance.now() < end) {
    await pause(SAMPLE_EVERY_MS);
    parked += await emptyDeadLetters();
    sizes.push(await bytesOf(folder));
  }
  await sending;
  const last = Math.ceil((sent * (FROM_THE_START_EVERY - 1)) / FROM_THE_START_EVERY) - 1;
  await until(async () => (parked += await emptyDeadLetters()) >= last, 20_000);
  const byId = Map.groupBy(
    runs.filter(({ id }) => id.startsWith(own)),
    ({ id }) => id,
  );
  expect(byId.size).toBe(sent);
  expect([...byId.values()].flatMap(faultsOf)).toEqual([]);
  expect(Math.max(...[...byId.values()].map(({ length }) => length))).toBeGreaterThan(2);
  // the settled state is that of the second half
  const half = sizes.length / 2;
  const [first, second] = [Math.max(...sizes.slice(0, half)), Math.max(...sizes.slice(half))];
  process.stdout.write(
    `failing handlers: ${sent} commands, ${[...byId.values()].flat().length} runs, folder ${first} then ${second} bytes\n`,
  );
  expect(second).toBeLessThan(MOST_BYTES);
  expect(second).toBeLessThan(first * MOST_GROWTH);
});

test('when the way to its delay tier is gone, a failing command is delivered 11 times, each half a second after the other, then parked', {
  timeout: 60_000,
}, async () => {
  const tier = DELAY_TIERS[0].name;
  const binding = { exchange: delayExchange(tier), pattern: 'allocator.#' };
  await unbindQueue(broker.url, `allocator.retry.${tier}`, binding);
  const text = randomUUID();
  await send(text, 1);
  const isParked = async (): Promise<boolean> => {
    const letter = await raw.take('allocator.dead');
    return letter?.body.includes(text) ?? false;
  };
  await until(isParked, 30_000);
  await pause(1_000);
  const own = runs.filter(({ id }) => id === text);
  expect(own).toHaveLength(DELIVERY_LIMIT + 1);
  const gaps = own.slice(1).map((run, i) => run.at - (own[i]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(450);
});
