import { type Database, sql, tables } from '@warren/postgres';
import { PARTITION_LEASE_MS } from './partition_share.ts';
import type { PartitionStore } from './partition_store.ts';

export interface PostgresPartitionStoreDeps {
  readonly database: Database;
  readonly instance: string;
}

/** Rows of instances that ended without a word are of no use to anybody after this. */
const FORGOTTEN_AFTER = '1 hour';

/** The partitions of one service, in its own schema, by the clock of its database. */
export class PostgresPartitionStore implements PartitionStore {
  readonly #database: Database;
  readonly #instance: string;

  constructor({ database, instance }: PostgresPartitionStoreDeps) {
    this.#database = database;
    this.#instance = instance;
  }

  async announce(): Promise<number> {
    const { rows } = await sql<{ others: number }>`
      WITH ours AS (
        INSERT INTO partition_members (instance, expires_at) VALUES (${this.#instance}, ${this.#end()})
        ON CONFLICT (instance) DO UPDATE SET expires_at = excluded.expires_at),
      forgotten AS (DELETE FROM partition_members WHERE expires_at < now() - ${FORGOTTEN_AFTER}::interval)
      SELECT count(*)::int AS others FROM partition_members
      WHERE expires_at > now() AND instance <> ${this.#instance}`.execute(this.#tables());
    return 1 + (rows[0]?.others ?? 0);
  }

  async claim(partition: number): Promise<boolean> {
    const { rows } = await sql`
      INSERT INTO partition_leases (partition, holder, expires_at) VALUES (${partition}, ${this.#instance}, ${this.#end()})
      ON CONFLICT (partition) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
        WHERE partition_leases.expires_at < now() OR partition_leases.holder = excluded.holder
      RETURNING true`.execute(this.#tables());
    return rows.length > 0;
  }

  async renew(partitions: readonly number[]): Promise<readonly number[]> {
    const { rows } = await sql<{ partition: number }>`
      UPDATE partition_leases SET expires_at = ${this.#end()}
      WHERE holder = ${this.#instance} AND partition = ANY (${[...partitions]}) RETURNING partition`.execute(
      this.#tables(),
    );
    return rows.map(({ partition }) => partition);
  }

  async release(partition: number): Promise<void> {
    await sql`DELETE FROM partition_leases WHERE partition = ${partition} AND holder = ${this.#instance}`.execute(
      this.#tables(),
    );
  }

  async leave(): Promise<void> {
    await sql`DELETE FROM partition_members WHERE instance = ${this.#instance}`.execute(this.#tables());
  }

  #end() {
    return sql`now() + ${PARTITION_LEASE_MS} * interval '1 millisecond'`;
  }

  #tables() {
    return tables(this.#database.read);
  }
}
