import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import path from 'node:path';
import { commandCenterMigrations } from '@warren/command-center';
import { LEASE_LOST } from '@warren/contracts';
import { newId, silentLogger } from '@warren/kernel';
import { migrate } from '@warren/postgres';
import { ConfirmedPublisher, declareExchanges, EXCHANGE, RabbitLink, RpcClient } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import {
  type FaultProxy,
  faultProxy,
  type TempDatabase,
  type TempRedis,
  type TempVhost,
  tempDatabase,
  tempRedis,
  tempVhost,
} from '@warren/testing';
import * as z from 'zod';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64');
const MAIN = path.join(import.meta.dirname, 'fixtures', 'tiny_main.ts');

const LogLine = z.record(z.string(), z.unknown());

export type Env = Record<string, string>;

/** Servers of one test file, ready for the tiny service. */
export class AppKit {
  readonly vhost: TempVhost;
  readonly database: TempDatabase;
  readonly redis: TempRedis;
  readonly #children = new Set<Child>();

  constructor(vhost: TempVhost, database: TempDatabase, redis: TempRedis) {
    this.vhost = vhost;
    this.database = database;
    this.redis = redis;
  }

  static async open(): Promise<AppKit> {
    const [vhost, database, redis] = await Promise.all([tempVhost(), tempDatabase(), tempRedis()]);
    const set = { schema: 'coordination', migrations: commandCenterMigrations };
    await Promise.all([declareExchanges(vhost.url), migrate(database.url, set, { role: database.user })]);
    return new AppKit(vhost, database, redis);
  }

  env(changes: Env = {}): Env {
    return {
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      RABBITMQ_URL: this.vhost.url,
      DATABASE_URL: this.database.url,
      REDIS_URL: this.redis.url,
      REDIS_KEY_PREFIX: this.redis.keyPrefix,
      IDEMPOTENCY_HMAC_KEY: KEY,
      ...changes,
    };
  }

  spawn(changes: Env = {}, args: readonly string[] = []): Child {
    const env = { ...this.env({ LOG_LEVEL: 'info' }), ...changes };
    // a folder without settings files: those of a clone in use name its own servers, and win over names without a prefix
    const options: SpawnOptions = { env, cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] };
    const child = new Child(spawn(process.execPath, [MAIN, ...args], options));
    this.#children.add(child);
    return child;
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all([this.vhost.drop(), this.database.drop(), this.redis.drop()]);
  }
}

/** A service in a process of its own. */
export class Child {
  readonly #process: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(process: ChildProcess) {
    this.#process = process;
    process.stdout?.on('data', (chunk: Buffer) => void (this.stdout += chunk.toString()));
    process.stderr?.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString()));
    this.exit = new Promise((resolve) => process.once('close', (code) => resolve(code)));
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Log lines with this message. */
  lines(message: string): Record<string, unknown>[] {
    const parsed = this.stdout
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [LogLine.parse(JSON.parse(line))] : []));
    return parsed.filter((line) => line['msg'] === message);
  }

  async says(message: string, ms = 15_000): Promise<void> {
    await until(() => this.stdout.includes(`"msg":"${message}"`), ms);
  }
}

/** A proxy before the server of the URL. */
export function proxyBefore(url: string, defaultPort = 5_672): Promise<FaultProxy> {
  const { hostname, port } = new URL(url);
  return faultProxy({ target: { host: hostname, port: Number(port || defaultPort) } });
}

/** Publishes events that the tiny service works off, and resolves when the broker has them. */
export async function publishEvents(url: string, count: number): Promise<void> {
  const shared = { logger: silentLogger(), metrics: new Metrics('allocator') };
  const link = new RabbitLink({ ...shared, url, role: 'publish', name: 'test.events' });
  const publisher = new ConfirmedPublisher({ ...shared, link, prefix: 'allocator' });
  link.start();
  const payload = { game_id: newId(), lease_id: newId(), instance_id: 'test-1', reason: 'server_lost' };
  const outcomes = await Promise.all(
    Array.from({ length: count }, () =>
      publisher.publish({
        exchange: EXCHANGE.events,
        key: LEASE_LOST.name,
        body: Buffer.from(JSON.stringify(payload)),
        messageId: newId(),
        type: `${LEASE_LOST.name}@${LEASE_LOST.version}`,
        persistent: true,
      }),
    ),
  );
  await publisher.stop();
  await link.stop();
  if (outcomes.some((outcome) => outcome !== 'confirmed')) throw new Error('an event was not stored');
}

/** Calls the tiny service, as the gateway does. Close it when done. */
export async function openCaller(url: string): Promise<{ rpc: RpcClient; close: () => Promise<void> }> {
  const shared = { logger: silentLogger(), metrics: new Metrics('gateway') };
  const link = new RabbitLink({ ...shared, url, role: 'publish', name: 'test.calls' });
  const rpc = new RpcClient({ ...shared, publishLink: link, user: link.user, prefix: 'gateway', instance: 'test' });
  link.start();
  await rpc.start();
  const close = async (): Promise<void> => {
    await rpc.stop();
    await link.stop();
  };
  return { rpc, close };
}

export async function until(condition: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
