import { randomUUID } from 'node:crypto';
import { type DtoOf, defineContract } from '@warren/contracts';
import { systemClock, systemRng, token } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { EXCHANGE } from '@warren/rabbit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { type ApplyContext, command, type HandlerFor, InboxJanitor } from '../src/index.ts';
import { broken, Kit, leaveMark, logger, pause, type RawChannel, refused, type TestService, until } from './kit.ts';

const PUT = defineContract({
  name: 'allocator.put_settings',
  summary: 'Keeps the newest settings.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['rpc', 'command'],
  dto: z.object({ player_id: z.string(), version: z.int(), how: z.string().default('keep') }),
  reply: z.object({}),
  errors: {},
  idempotency: 'inbox',
  key: 'player_id',
  order: 'version',
});

const HANDLER = token<HandlerFor<typeof PUT>>('test.put');

let kit: Kit;
let service: TestService;
let caller: Awaited<ReturnType<Kit['caller']>>;
let raw: RawChannel;
let failures = 0;

async function apply(dto: DtoOf<typeof PUT>, context: ApplyContext): Promise<Record<string, never>> {
  await leaveMark(context, `${dto.player_id} ${dto.version}`);
  if (dto.how === 'slow') await pause(200);
  if (dto.how === 'refuse') throw refused();
  if (dto.how === 'fail once' && failures++ === 0) throw broken();
  return {};
}

beforeAll(async () => {
  kit = await Kit.open();
  service = await kit.service({
    registry: { commands: [command(PUT, HANDLER)] },
    container: (container) => void container.value(HANDLER, { apply }),
  });
  caller = await kit.caller();
  ({ raw } = caller);
});

beforeEach(async () => {
  await sql`DELETE FROM marks`.execute(tables(service.database.read));
});

afterAll(() => kit.close());

const put = (player_id: string, version: number, how = 'keep') => caller.rpc.outcome(PUT, { player_id, version, how });

test('what is not newer than the newest is refused and changes nothing; others of the key may be left out', async () => {
  expect(await put('a', 3)).toMatchObject({ kind: 'value' });
  for (const version of [1, 2, 3]) {
    expect(await put('a', version)).toMatchObject({
      kind: 'remote',
      error: { code: 'COMMAND_STALE', retryable: false },
    });
  }
  expect(await put('a', 5)).toMatchObject({ kind: 'value' });
  expect(await put('b', 1)).toMatchObject({ kind: 'value' });
  expect(await kit.marks()).toEqual(['a 3', 'a 5', 'b 1']);
});

test('of two at the same time the newer one is kept, whichever comes first', async () => {
  await Promise.all([put('c', 2, 'slow'), pause(50).then(() => put('c', 1))]);
  await Promise.all([put('d', 1, 'slow'), pause(50).then(() => put('d', 2))]);
  expect(await kit.marks()).toEqual(['c 2', 'd 1', 'd 2']);
});

test('a version that was refused by a rule is not taken as applied', async () => {
  expect(await put('e', 2, 'refuse')).toMatchObject({ kind: 'remote', error: { code: 'ALLOCATOR_REFUSED' } });
  expect(await put('e', 1)).toMatchObject({ kind: 'value' });
});

test('as a command it is overtaken while it waits in its tier, and is then dropped', async () => {
  const send = (version: number, how: string): Promise<void> =>
    raw.publish(EXCHANGE.commands, PUT.name, JSON.stringify({ player_id: 'f', version, how }), {
      type: 'allocator.put_settings@1',
      messageId: randomUUID(),
    });
  await send(1, 'fail once');
  await until(async () => (await raw.ready('allocator.retry.1s')) === 1);
  await send(2, 'keep');
  await until(async () => (await kit.marks()).length === 1);
  await until(async () => (await raw.ready('allocator.retry.1s')) === 0);
  await pause(500);
  expect(await kit.marks()).toEqual(['f 2']);
  expect(await raw.ready('allocator.commands')).toBe(0);
  expect(await raw.ready('allocator.dead')).toBe(0);
});

test('versions are forgotten when nobody can send an older one any more', async () => {
  const database = service.database;
  await sql`UPDATE key_versions SET expires_at = now() - interval '1 second' WHERE key = 'a'`.execute(
    tables(database.read),
  );
  const shared = { clock: systemClock, rng: systemRng, logger, metrics: service.metrics };
  const janitor = new InboxJanitor({ ...shared, database, everyMs: 50 });
  janitor.start();
  const kept = async (): Promise<string[]> => {
    const { rows } = await sql<{ key: string }>`SELECT DISTINCT key FROM key_versions ORDER BY key`.execute(
      tables(database.read),
    );
    return rows.map(({ key }) => key);
  };
  await until(async () => !(await kept()).includes('a'));
  expect(await kept()).toContain('b');
  await janitor.stop();
});
