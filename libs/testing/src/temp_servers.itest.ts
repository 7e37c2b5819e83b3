import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import { tempDatabase } from './temp_database.ts';
import { tempRedis } from './temp_redis.ts';
import { importIntoVhost, tempVhost } from './temp_vhost.ts';

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('Two temporary vhosts do not see each other, and the admin user may do everything in them', async () => {
  const [first, second] = await Promise.all([tempVhost(), tempVhost()]);
  expect(first.name).not.toBe(second.name);
  const connection = await amqp.connect(first.url);
  const channel = await connection.createChannel();
  await channel.assertQueue('here', { durable: true, arguments: { 'x-queue-type': 'classic' } });
  channel.sendToQueue('here', Buffer.from('1'));
  await expect
    .poll(() => first.queues(), { timeout: 20_000 })
    .toEqual([{ name: 'here', type: 'classic', messages: 1, consumers: 0 }]);
  expect(await second.queues()).toEqual([]);
  await connection.close();
  await Promise.all([first.drop(), second.drop()]);
});

test('A pool that runs empty is filled again', async () => {
  const vhosts = await Promise.all(Array.from({ length: 30 }, tempVhost));
  expect(new Set(vhosts.map((vhost) => vhost.name)).size).toBe(30);
});

test('A user imported into a vhost has the rights it was given and no others', async () => {
  const vhost = await tempVhost();
  const user = `${vhost.userPrefix}auth`;
  await importIntoVhost(vhost, {
    users: [{ name: user, password: 'p@ss/word' }],
    permissions: [{ user, configure: '^auth\\.', write: '', read: '^auth\\.' }],
    queues: [{ name: 'auth.commands', durable: true, auto_delete: false, arguments: {} }],
  });
  const connection = await amqp.connect(vhost.urlFor(user, 'p@ss/word'));
  connection.on('error', () => undefined);
  const allowed = await connection.createChannel();
  expect(await allowed.checkQueue('auth.commands')).toMatchObject({ messageCount: 0 });
  const refused = await connection.createChannel();
  refused.on('error', () => undefined);
  await expect(refused.assertQueue('coordinator.commands')).rejects.toThrow(/403|ACCESS[_-]REFUSED/);
  await connection.close();
});

test('A user that would outlive its vhost is refused', async () => {
  const vhost = await tempVhost();
  await expect(importIntoVhost(vhost, { users: [{ name: 'auth', password: 'x' }] })).rejects.toThrow(/userPrefix/);
});

test('A temporary database is empty, and dropping it ends its connections and removes its roles', async () => {
  const database = await tempDatabase();
  await query(database.url, `CREATE ROLE ${database.name}_auth`);
  const idle = new pg.Client({ connectionString: database.url });
  idle.on('error', () => undefined);
  await idle.connect();
  expect(await query(database.url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  await database.drop();
  await expect(query(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
  const witness = await tempDatabase();
  expect(await query(witness.url, `SELECT 1 FROM pg_roles WHERE rolname = '${database.name}_auth'`)).toEqual([]);
  await witness.drop();
});

test('Dropping a temporary Redis removes its keys and no others', async () => {
  const [mine, other] = await Promise.all([tempRedis(), tempRedis()]);
  const redis = new Redis(mine.url);
  await redis.mset(`${mine.keyPrefix}a`, '1', `${mine.keyPrefix}b`, '2', `${other.keyPrefix}a`, '3');
  await mine.drop();
  expect(await redis.mget(`${mine.keyPrefix}a`, `${mine.keyPrefix}b`, `${other.keyPrefix}a`)).toEqual([
    null,
    null,
    '3',
  ]);
  await other.drop();
  redis.disconnect();
});
