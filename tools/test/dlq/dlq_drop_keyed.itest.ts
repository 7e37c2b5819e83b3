import { commandCenterMigrations } from '@warren/command-center';
import { silentLogger } from '@warren/kernel';
import { Database, migrate, sql, tables } from '@warren/postgres';
import type { DeadLetterOffice } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { type TempDatabase, tempDatabase } from '@warren/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Operator } from '../operator.ts';
import { BrokerWithLetters } from './broker_with_letters.ts';

const DEAD = 'allocator.dead';
/** Of commands in sequence. */
const source = 'allocator.commands.p03';
const IDS = ['k1', 'k2', 'k3'];

let broker: BrokerWithLetters;
let office: DeadLetterOffice;
let temp: TempDatabase;
let database: Database;
let operator: Operator;

/** Three commands of one key were parked, and a command without one. */
beforeEach(async () => {
  [broker, temp] = await Promise.all([BrokerWithLetters.open(), tempDatabase()]);
  office = await broker.office();
  await migrate(temp.url, { schema: 'allocation', migrations: commandCenterMigrations }, { role: temp.user });
  const shared = { logger: silentLogger(), metrics: new Metrics('test') };
  database = new Database({ ...shared, url: temp.url, schema: 'allocation', max: 1 });
  for (const id of IDS) {
    await sql`INSERT INTO blocked_commands (key, message_id, command, code)
      VALUES ('a', ${id}, 'allocator.grant_item', 'SERVICE_INTERNAL')`.execute(tables(database.read));
  }
  await broker.park([...IDS.map((id) => ({ id, source })), { id: 'plain' }]);
  operator = new Operator({ OPS_RABBITMQ_URL: broker.urlOf('ops'), ALLOCATOR_DATABASE_URL: temp.url });
});

afterEach(async () => {
  operator.remove();
  await database.close();
  await Promise.all([broker.close(), temp.drop()]);
});

async function blocked(): Promise<string[]> {
  const { rows } = await sql<{ message_id: string }>`
    SELECT message_id FROM blocked_commands ORDER BY position`.execute(tables(database.read));
  return rows.map(({ message_id }) => message_id);
}

test('dlq drop takes the letters of commands in sequence out of the way of their keys, and no others', async () => {
  const dry = await operator.run('dlq', 'drop', '--all', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: 'allocator.dead: 4 of 4 letters would be dropped\n' });
  expect(await blocked()).toEqual(IDS);
  const { code, stdout } = await operator.run('dlq', 'drop', 'k1', 'k3', 'plain', '--yes');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'allocator.dead: 3 of 4 letters dropped, 2 of them hold up their keys no longer\n',
  });
  expect(await blocked()).toEqual(['k2']);
  expect(await broker.drain(DEAD)).toEqual(['k2']);
});

test('a database that cannot be reached is said before anything is dropped; letters that hold up no key need none', async () => {
  const stranger = new Operator({
    OPS_RABBITMQ_URL: broker.urlOf('ops'),
    ALLOCATOR_DATABASE_URL: 'postgres://allocator:hidden-7391@127.0.0.1:9/warren',
  });
  try {
    const refused = await stranger.run('dlq', 'drop', '--all', '--yes');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^warren: Nothing was dropped: letters of allocator hold up keys .+\n$/);
    expect(refused.stderr).not.toContain('hidden-7391');
    expect(await office.count(DEAD)).toBe(4);
    expect(await stranger.run('dlq', 'drop', 'plain', '--yes')).toMatchObject({ code: 0 });
    expect(await broker.drain(DEAD)).toEqual(IDS);
  } finally {
    stranger.remove();
  }
});

test('a database that is lost after the question keeps the letters', async () => {
  const { child, ended } = operator.startInTerminal('dlq', 'drop', '--all');
  child.stdout?.on('data', (text: string) => {
    if (text.includes('Type yes')) void temp.drop().then(() => child.stdin?.write('yes\n'));
  });
  const { code, stdout } = await ended;
  expect(code).toBe(1);
  expect(stdout).toContain('The database does not exist.');
  expect(await broker.drain(DEAD)).toEqual([...IDS, 'plain']);
});
