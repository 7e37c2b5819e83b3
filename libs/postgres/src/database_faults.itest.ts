import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { type FaultProxy, faultProxy, type TempDatabase, tempDatabase } from '@warren/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database, type DatabaseDeps, limitLockWaits, sql, type Tx, tables } from './index.ts';

/** Short, so that a test of silence takes no longer than it must; statement before query, as always. */
const TIMEOUTS = { connectMs: 600, statementMs: 700, lockMs: 400, queryMs: 900, idleInTransactionMs: 5_000 };

let place: TempDatabase;
let proxy: FaultProxy;
let direct: Database;
let db: Database;

const make = (url: string, more: Partial<DatabaseDeps> = {}): Database =>
  new Database({
    url,
    schema: 'public',
    logger: silentLogger(),
    metrics: new Metrics('test'),
    max: 4,
    timeouts: TIMEOUTS,
    ...more,
  });

const run = (tx: Tx, text: string) => sql.raw(text).execute(tables(tx));
const pidOf = async (tx: Tx): Promise<number> =>
  (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tables(tx))).rows[0]?.pid ?? 0;
const count = async (name: string): Promise<number> =>
  (await sql<{ n: number }>`select count(*)::int as n from marks where name = ${name}`.execute(tables(direct.read)))
    .rows[0]?.n ?? -1;
const insert = (tx: Tx, name: string) => sql`insert into marks (name) values (${name})`.execute(tables(tx));

const unavailable = { code: 'SERVICE_UNAVAILABLE', kind: 'unavailable', retryable: true };

async function timed(work: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const startedAt = performance.now();
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return { error, ms: performance.now() - startedAt };
}

beforeAll(async () => {
  place = await tempDatabase();
  const { hostname, port } = new URL(place.url);
  proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5432) } });
  direct = make(place.url);
  await run(direct.read, 'create table marks (id serial primary key, name text not null)');
  await run(direct.read, `insert into marks (name) values ('row-1'), ('row-2')`);
});

beforeEach(() => {
  db = make(proxy.through(place.url));
});

afterEach(async () => {
  proxy.flow('pass');
  await proxy.admit('pass');
  await db.close();
});

afterAll(async () => {
  await direct.close();
  await proxy.close();
  await place.drop();
});

describe('a database behind a black hole', () => {
  test('fails every call in time, and heals at once when the network is back', async () => {
    await Promise.all(Array.from({ length: 4 }, () => db.ping()));
    proxy.flow('drop');
    const calls = await Promise.all(Array.from({ length: 8 }, () => timed(db.ping())));
    for (const { error, ms } of calls) {
      expect(error).toMatchObject(unavailable);
      expect(ms).toBeLessThan(1_500 + 500);
    }
    proxy.flow('pass');
    const healed = await timed(Promise.all(Array.from({ length: 8 }, () => db.ping())));
    expect(healed.error).toBeUndefined();
    expect(healed.ms).toBeLessThan(600);
  });

  test('ends a transaction once, not with a second wait for the rollback', async () => {
    const { error, ms } = await timed(
      db.transaction(async (tx) => {
        await insert(tx, 'hole');
        proxy.flow('drop');
        await insert(tx, 'hole');
      }),
    );
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(1_500);
    expect(await count('hole')).toBe(0);
  });

  test('closes in bounded time with work running', async () => {
    await db.ping();
    proxy.flow('drop');
    const hanging = timed(db.ping());
    await sleep(50);
    const { error, ms } = await timed(db.close());
    expect(error).toBeUndefined();
    expect(ms).toBeLessThan(2_500);
    expect((await hanging).error).toMatchObject(unavailable);
  });
});

describe('a commit whose answer is lost', () => {
  test('is reported as unknown, never as not applied', async () => {
    const { error } = await timed(
      db.transaction(async (tx) => {
        await insert(tx, 'unknown');
        proxy.flow('drop', 'to_client');
      }),
    );
    expect(error).toMatchObject({ code: 'SERVICE_LINK_LOST', retryable: true });
    expect(await count('unknown')).toBe(1);
  });

  test('is unknown also when the request never left, because nobody can tell', async () => {
    const { error } = await timed(
      db.transaction(async (tx) => {
        await insert(tx, 'never-left');
        proxy.cut();
      }),
    );
    expect(error).toMatchObject({ code: 'SERVICE_LINK_LOST', retryable: true });
    expect(await count('never-left')).toBe(0);
  });
});

describe('a backend that is terminated', () => {
  test('between two statements of a transaction fails that transaction alone, and the process lives', async () => {
    const { error } = await timed(
      db.transaction(async (tx) => {
        await insert(tx, 'terminated');
        await sql`select pg_terminate_backend(${await pidOf(tx)})`.execute(tables(direct.read));
        await sleep(100);
        await insert(tx, 'terminated');
      }),
    );
    expect(error).toMatchObject(unavailable);
    expect(await count('terminated')).toBe(0);
    await db.ping();
  });

  test('while idle in the pool is replaced', async () => {
    const pid = await pidOf(db.read);
    await sql`select pg_terminate_backend(${pid})`.execute(tables(direct.read));
    await sleep(100);
    expect(await pidOf(db.read)).not.toBe(pid);
  });
});

describe('a server that refuses', () => {
  test('connections gives SERVICE_UNAVAILABLE at once', async () => {
    await proxy.admit('refuse');
    const { error, ms } = await timed(db.ping());
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(500);
  });

  test('the database name gives a clear error without the password', async () => {
    const url = new URL(place.url);
    url.pathname = '/no_such_database';
    // where the server wants no password, one that it must not repeat
    if (url.password === '') url.password = 'Sesame-Open-77';
    const secret = decodeURIComponent(url.password);
    const { error } = await timed(make(url.href).ping());
    expect(error).toMatchObject({ code: 'DATABASE_ACCESS_REFUSED', message: 'The database does not exist.' });
    expect(
      error instanceof AppError && error.cause instanceof Error ? `${error.stack}${error.cause.stack}` : secret,
    ).not.toContain(secret);
  });

  test('writes, as an old primary does, is retryable, and its connection is not used again', async () => {
    let pid = 0;
    const { error } = await timed(
      db.transaction(async (tx) => {
        pid = await pidOf(tx);
        await run(tx, 'set transaction read only');
        await insert(tx, 'read-only');
      }),
    );
    expect(error).toMatchObject(unavailable);
    expect(await pidOf(db.read)).not.toBe(pid);
  });
});

describe('statements that do not come to an end', () => {
  test('are cancelled by the server and leave no session in a transaction', async () => {
    const { error, ms } = await timed(db.transaction((tx) => run(tx, 'select pg_sleep(30)')));
    expect(error).toMatchObject({ ...unavailable, cause: { code: '57014' } });
    expect(ms).toBeLessThan(1_500);
    const { rows } = await run(
      direct.read,
      `select 1 from pg_stat_activity where datname = current_database() and state like 'idle in trans%'`,
    );
    expect(rows).toEqual([]);
  });

  test('such as a wait for a lock end as retryable', async () => {
    await direct.transaction(async (tx) => {
      await run(tx, 'lock table marks');
      expect((await timed(insert(db.read, 'locked'))).error).toMatchObject({
        ...unavailable,
        cause: { code: '55P03' },
      });
    });
  });

  test('such as a lock that a transaction waits for no longer than it was told, nor than its connection allows', async () => {
    const patient = make(place.url, { timeouts: { ...TIMEOUTS, lockMs: 1_500, statementMs: 5_000, queryMs: 6_000 } });
    const waitingFor = (database: Database, limitMs: number) =>
      timed(
        database.transaction(async (tx) => {
          await limitLockWaits(tx, limitMs);
          await run(tx, 'lock table marks');
        }),
      );
    await direct.transaction(async (tx) => {
      await run(tx, 'lock table marks');
      const told = await waitingFor(patient, 300);
      expect(told.error).toMatchObject({ ...unavailable, cause: { code: '55P03' } });
      expect(told.ms).toBeLessThan(1_200);
      const allowed = await waitingFor(db, 1_900);
      expect(allowed.error).toMatchObject({ ...unavailable, cause: { code: '55P03' } });
      expect(allowed.ms).toBeLessThan(1_500);
    });
    await patient.close();
  });

  test('deadlock in one of two, which is told to try again', async () => {
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    const touch = (first: string, second: string) =>
      make(place.url, { timeouts: { ...TIMEOUTS, lockMs: 5_000, statementMs: 5_000, queryMs: 6_000 } }).transaction(
        async (tx) => {
          await run(tx, `update marks set name = name where name = '${first}'`);
          arrived += 1;
          if (arrived === 2) both.resolve();
          await both.promise;
          await run(tx, `update marks set name = name where name = '${second}'`);
        },
      );
    const results = await Promise.allSettled([touch('row-1', 'row-2'), touch('row-2', 'row-1')]);
    const failures = results.filter((result) => result.status === 'rejected');
    expect(failures).toHaveLength(1);
    expect(failures[0]?.reason).toMatchObject({ ...unavailable, cause: { code: '40P01' } });
  });
});

describe('a pool without a free connection', () => {
  test('lets callers wait for a bounded time, and then serves again', async () => {
    const busy = Array.from({ length: 4 }, () => timed(db.transaction((tx) => run(tx, 'select pg_sleep(0.65)'))));
    const { error, ms } = await timed(db.ping());
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(1_000);
    expect((await Promise.all(busy)).map((result) => result.error)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    await db.ping();
  });

  test('turns callers away at once when too many wait already', async () => {
    const small = make(place.url, { max: 1 });
    const holding = timed(small.transaction((tx) => run(tx, 'select pg_sleep(0.3)')));
    await sleep(100);
    const results = await Promise.all(Array.from({ length: 60 }, () => timed(small.ping())));
    const refused = results.filter((result) => result.error !== undefined);
    expect(refused).toHaveLength(10);
    for (const { ms } of refused) expect(ms).toBeLessThan(150);
    await holding;
    await small.close();
  });

  test('shows itself in the metrics', async () => {
    const metrics = new Metrics('test');
    const small = make(place.url, { metrics });
    await small.transaction((tx) => insert(tx, 'measured'));
    const text = await metrics.render();
    expect(text).toContain('warren_postgres_pool{schema="public",state="open",service="test"} 1');
    expect(text).toMatch(/warren_postgres_transaction_seconds_count\{.*outcome="committed".*\} 1/);
    await small.close();
  });
});
