import type { WarrenSystem } from '@warren/harness';
import { silentLogger } from '@warren/kernel';
import { Database, sql, tables } from '@warren/postgres';
import { listQueues, type QueueState, unwrapAdminResult } from '@warren/provision';
import { Metrics } from '@warren/telemetry';
import type { LabSystem } from '../system/lab_system.ts';

export interface AccountRow {
  readonly id: string;
  readonly display_name: string;
  readonly version: number;
}

export interface TicketRow {
  readonly id: string;
  readonly client_tag: string;
  readonly player_id: string;
  readonly state: string;
}

export interface LeaseRow {
  readonly lease_id: string;
  readonly game_id: string;
  readonly instance_id: string;
  readonly state: string;
  /** Epoch milliseconds of the database. */
  readonly created_ms: number;
  readonly ended_ms: number | null;
}

export interface ServerRow {
  readonly instance_id: string;
  readonly capacity: number;
  readonly used: number;
}

export interface InboxRow {
  readonly service: string;
  readonly message_id: string;
  readonly command: string;
  readonly outcome: string;
}

/** One message of the dead letters. */
export interface DeadLetter {
  readonly messageId: string;
  readonly reason: string;
}

/** What is stored when everything has come to rest. */
export interface FinalState {
  readonly accounts: readonly AccountRow[];
  readonly tickets: readonly TicketRow[];
  readonly leases: readonly LeaseRow[];
  readonly servers: readonly ServerRow[];
  readonly inbox: readonly InboxRow[];
  /** Rows that no relay has published, by service. */
  readonly outbox: Readonly<Record<string, number>>;
  readonly queues: readonly QueueState[];
  readonly deadLetters: readonly DeadLetter[];
}

const SCHEMAS = { auth: 'auth', allocator: 'allocation', coordinator: 'coordination' } as const;
type Service = keyof typeof SCHEMAS;
const SERVICES = ['auth', 'allocator', 'coordinator'] as const satisfies readonly Service[];

/** Reads what the services have stored, past their APIs and past the proxies. */
export class StoredState {
  readonly #system: LabSystem;
  readonly #databases: Readonly<Record<Service, Database>>;

  constructor(system: LabSystem) {
    this.#system = system;
    this.#databases = {
      auth: openDatabase(system.warren, 'auth'),
      allocator: openDatabase(system.warren, 'allocator'),
      coordinator: openDatabase(system.warren, 'coordinator'),
    };
  }

  async addModes(names: readonly string[], players: number): Promise<void> {
    for (const name of names)
      await sql`INSERT INTO modes (name, players) VALUES (${name}, ${players})`.execute(this.#tables('coordinator'));
  }

  /** Rows and messages that are still on their way, by place; empty when everything has come to rest. */
  async unfinished(): Promise<Record<string, number>> {
    const waiting: Record<string, number> = {};
    for (const [service, rows] of Object.entries(await this.#outboxes())) waiting[`${service} outbox`] = rows;
    for (const { name, messages } of await this.queues()) if (!name.endsWith('.dead')) waiting[name] = messages;
    waiting['reserved leases'] = await this.#count('allocator', sql`leases WHERE state = 'reserved'`);
    return Object.fromEntries(Object.entries(waiting).filter(([, count]) => count > 0));
  }

  async queues(): Promise<QueueState[]> {
    const { servers, warren } = this.#system;
    return unwrapAdminResult(await listQueues(servers.rabbitmq.admin, warren.place.vhost.name));
  }

  async read(deadLetters: readonly DeadLetter[]): Promise<FinalState> {
    const [accounts, tickets, leases, servers] = await Promise.all([
      this.#rows<AccountRow>('auth', sql`SELECT id, display_name, version FROM accounts`),
      this.#rows<TicketRow>('coordinator', sql`SELECT id, client_tag, player_id, state FROM tickets`),
      this.#rows<LeaseRow>(
        'allocator',
        sql`SELECT lease_id, game_id, instance_id, state,
          (extract(epoch FROM created_at) * 1000)::float8 AS created_ms,
          (extract(epoch FROM ended_at) * 1000)::float8 AS ended_ms FROM leases`,
      ),
      this.#rows<ServerRow>('allocator', sql`SELECT instance_id, capacity, used FROM servers`),
    ]);
    const inbox: InboxRow[] = [];
    for (const service of SERVICES) {
      const rows = await this.#rows<Omit<InboxRow, 'service'>>(
        service,
        sql`SELECT message_id, command, outcome FROM inbox`,
      );
      for (const row of rows) inbox.push({ service, ...row });
    }
    const [outbox, queues] = [await this.#outboxes(), await this.queues()];
    return { accounts, tickets, leases, servers, inbox, outbox, queues, deadLetters };
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#databases).map((database) => database.close()));
  }

  async #outboxes(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const service of SERVICES) counts[service] = await this.#count(service, sql`outbox`);
    return counts;
  }

  async #count(service: Service, from: ReturnType<typeof sql>): Promise<number> {
    const rows = await this.#rows<{ count: number }>(service, sql`SELECT count(*)::int AS count FROM ${from}`);
    return rows[0]?.count ?? 0;
  }

  async #rows<T>(service: Service, query: ReturnType<typeof sql>): Promise<T[]> {
    const { rows } = await sql<T>`${query}`.execute(this.#tables(service));
    return rows;
  }

  #tables(service: Service): ReturnType<typeof tables> {
    return tables(this.#databases[service].read);
  }
}

const openDatabase = (warren: WarrenSystem, service: Service): Database =>
  new Database({
    url: warren.databaseUrl(service),
    schema: SCHEMAS[service],
    service: 'faultlab',
    logger: silentLogger(),
    metrics: new Metrics('faultlab'),
    max: 1,
    // a whole run is read at once
    timeouts: { connectMs: 20_000, statementMs: 60_000, queryMs: 65_000 },
  });
