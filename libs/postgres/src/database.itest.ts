import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { type TempDatabase, tempDatabase } from '@warren/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database, type Generated, isUniqueViolation, savepoint, sql, tables } from './index.ts';

interface Tables {
  items: { id: Generated<number>; name: string };
}

let place: TempDatabase;
let db: Database;

beforeAll(async () => {
  place = await tempDatabase();
  db = new Database({
    url: place.url,
    schema: 'public',
    logger: silentLogger(),
    metrics: new Metrics('test'),
    service: 'shop',
  });
  await db.transaction(async (tx) => {
    await sql`create table items (id serial primary key, name text not null constraint items_name unique)`.execute(
      tables(tx),
    );
  });
});

afterAll(async () => {
  await db.close();
  await place.drop();
});

const names = async (): Promise<string[]> => {
  const rows = await tables<Tables>(db.read).selectFrom('items').select('name').orderBy('name').execute();
  return rows.map((row) => row.name);
};

describe('Database', () => {
  test('commits what the work wrote and returns its value', async () => {
    const id = await db.transaction(async (tx) => {
      const row = await tables<Tables>(tx)
        .insertInto('items')
        .values({ name: 'carrot' })
        .returning('id')
        .executeTakeFirstOrThrow();
      return row.id;
    });
    expect(id).toBeGreaterThan(0);
    expect(await names()).toContain('carrot');
  });

  test('rolls back everything when the work throws, and throws that same error', async () => {
    const refusal = new Error('no');
    const attempt = db.transaction(async (tx) => {
      await tables<Tables>(tx).insertInto('items').values({ name: 'ghost' }).execute();
      throw refusal;
    });
    await expect(attempt).rejects.toBe(refusal);
    expect(await names()).not.toContain('ghost');
  });

  test('undoes a savepoint alone, also when nested, and lets the transaction go on', async () => {
    const insert = (name: string) => async (tx: Parameters<typeof tables>[0]) => {
      await tables<Tables>(tx).insertInto('items').values({ name }).execute();
    };
    await db.transaction(async (tx) => {
      await insert('kept-1')(tx);
      const outer = savepoint(tx, async () => {
        await insert('lost-outer')(tx);
        await expect(savepoint(tx, insert('lost-outer'))).rejects.toSatisfy((error: unknown) =>
          isUniqueViolation(error, 'items_name'),
        );
        await savepoint(tx, insert('lost-inner'));
        throw new Error('outer');
      });
      await expect(outer).rejects.toThrow('outer');
      await insert('kept-2')(tx);
    });
    const present = await names();
    expect(present).toEqual(expect.arrayContaining(['kept-1', 'kept-2']));
    expect(present.filter((name) => name.startsWith('lost'))).toEqual([]);
  });

  test('tells which constraint a duplicate broke', async () => {
    const twice = () => tables<Tables>(db.read).insertInto('items').values({ name: 'twin' }).execute();
    await twice();
    const error: unknown = await twice().catch((cause: unknown) => cause);
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUniqueViolation(error, 'items_name')).toBe(true);
    expect(isUniqueViolation(error, 'items_pkey')).toBe(false);
    expect(isUniqueViolation(new Error('other'))).toBe(false);
  });

  test('reports a commit of an aborted transaction as a fault of the work, and nothing is applied', async () => {
    const attempt = db.transaction(async (tx) => {
      await tables<Tables>(tx).insertInto('items').values({ name: 'swallowed' }).execute();
      await sql`select 1 / 0`.execute(tables(tx)).catch(() => undefined);
    });
    await expect(attempt).rejects.toMatchObject({ code: 'SERVICE_INTERNAL', retryable: false });
    expect(await names()).not.toContain('swallowed');
  });

  test('runs with its schema as search path, read committed, under a name the server shows', async () => {
    const { rows } = await sql<{
      path: string;
      level: string;
      name: string;
    }>`select current_setting('search_path') as path,
      current_setting('transaction_isolation') as level, current_setting('application_name') as name`.execute(
      tables(db.read),
    );
    expect(rows).toEqual([{ path: 'public', level: 'read committed', name: 'warren.shop' }]);
  });

  test('refuses text that Postgres cannot hold as an invalid request', async () => {
    const attempt = db.transaction(async (tx) => {
      await tables<Tables>(tx).insertInto('items').values({ name: 'a\u0000b' }).execute();
    });
    await expect(attempt).rejects.toMatchObject({ code: 'REQUEST_INVALID', kind: 'invalid' });
  });
});
