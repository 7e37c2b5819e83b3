import { AppError, backoffMs, type Logger, systemRng, withTimeout } from '@warren/kernel';
import type { Counter, Metrics } from '@warren/telemetry';
import type { Redis, RedisOptions } from 'ioredis';
import { toRedisError } from './redis_error.ts';
import type { Script } from './script.ts';
import { SupervisedRedis } from './supervised_redis.ts';

/** Milliseconds. Only all of them together make the client fail in time and heal after a half-open connection. */
export interface RedisTimeouts {
  readonly connectMs: number;
  /** A command without an answer fails after this. */
  readonly commandMs: number;
  /** A socket that brings nothing while an answer is due is destroyed after this; the client then connects anew. */
  readonly socketMs: number;
}

const DEFAULT_TIMEOUTS: RedisTimeouts = { connectMs: 1_000, commandMs: 1_000, socketMs: 1_500 };

const RECONNECT = { baseMs: 50, maxMs: 1_000 };
const CLOSE_MS = 1_000;
/** A server that is away fails a connection many times a second; one line in this time says it. */
const LOG_EVERY_MS = 5_000;

export interface RedisClientDeps {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. */
  readonly url: string;
  /** Put before every key, also those of scripts: `warren:gateway:`. */
  readonly keyPrefix: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Known from the start; others are added when first run. */
  readonly scripts?: readonly Script<unknown>[];
  /** Shown by the server in its list of clients. */
  readonly name?: string;
  readonly timeouts?: Partial<RedisTimeouts>;
}

function checkUrl(text: string): string {
  if (URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol)) return text;
  // Never repeated: it may hold a password.
  throw new AppError('REDIS_CONFIG_INVALID', 'The Redis URL is not of the form redis://user:password@host:port.', {
    kind: 'internal',
  });
}

type LegacyReplies = RedisOptions & { replyMapping?: 'legacy' };

function optionsOf(deps: RedisClientDeps): LegacyReplies {
  const { connectMs, commandMs, socketMs } = { ...DEFAULT_TIMEOUTS, ...deps.timeouts };
  return {
    keyPrefix: deps.keyPrefix,
    ...(deps.name === undefined ? {} : { connectionName: deps.name }),
    connectTimeout: connectMs,
    commandTimeout: commandMs,
    socketTimeout: socketMs,
    // Zero: what was in flight when the connection broke fails at once, not with the next failed connection.
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // A command whose failure was reported must not have its effect seconds later.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => backoffMs(attempt, RECONNECT, systemRng),
    // An old primary that became a replica: the name leads to the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    scripts: Object.fromEntries(
      (deps.scripts ?? []).map((script) => [script.name, { lua: script.lua, numberOfKeys: script.keys }]),
    ),
  };
}

/**
 * One connection to Redis. Begins to connect at once and comes back by itself; commands fail at once while it is away.
 */
export class RedisClient {
  /**
   * The vendor's typed commands. Failures are AppErrors (see `toRedisError`); in a pipeline they are in its results, as
   * they came.
   */
  readonly commands: Redis;
  readonly #deps: RedisClientDeps;
  readonly #logger: Logger;
  readonly #failures: Counter;
  readonly #scripts = new Map<string, Script<unknown>>();
  readonly #stopMetrics: () => void;
  #lastError: Error | undefined;
  #lastLoggedAt = Number.NEGATIVE_INFINITY;
  #suppressed = 0;

  constructor(deps: RedisClientDeps) {
    this.#deps = deps;
    this.#logger = deps.logger;
    this.#failures = deps.metrics.counter(
      'warren_redis_connection_failures_total',
      'Failed connections and lost ones.',
    );
    this.commands = new SupervisedRedis(checkUrl(deps.url), optionsOf(deps));
    for (const script of deps.scripts ?? []) this.#scripts.set(script.name, script);
    this.commands.on('error', (error: Error) => this.#onError(error));
    this.commands.on('ready', () => this.#onReady());
    const up = deps.metrics.gauge('warren_redis_up', 'Whether the connection is usable.');
    this.#stopMetrics = deps.metrics.beforeRender(() => up.set({}, this.isReady ? 1 : 0));
  }

  get isReady(): boolean {
    return this.commands.status === 'ready';
  }

  /**
   * Resolves when the connection is usable. Rejects after `timeoutMs` with SERVICE_UNAVAILABLE, or at once with
   * REDIS_ACCESS_REFUSED.
   */
  async ready(timeoutMs: number): Promise<void> {
    if (this.isReady) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onError = (error: Error): void => {
      const known = toRedisError(error);
      if (known instanceof AppError && known.code === 'REDIS_ACCESS_REFUSED') reject(known);
    };
    this.commands.once('ready', resolve);
    this.commands.on('error', onError);
    try {
      if (this.#lastError !== undefined) onError(this.#lastError);
      await withTimeout(promise, timeoutMs, () => this.#unavailable());
    } finally {
      this.commands.off('ready', resolve);
      this.commands.off('error', onError);
    }
  }

  /** Resolves when the server answers; rejects within the command timeout. */
  async ping(): Promise<void> {
    await this.commands.ping();
  }

  /** Runs a script. Throws SERVICE_UNAVAILABLE when Redis is away; then it is not known whether the script ran. */
  async run<Reply>(script: Script<Reply>, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply> {
    if (keys.length !== script.keys)
      throw new TypeError(`script ${script.name} takes ${script.keys} keys, not ${keys.length}`);
    return script.parse(await this.#call(script)([...keys, ...args]));
  }

  /**
   * Another connection with the same settings, for commands that block; give it timeouts longer than the longest block.
   */
  duplicate(timeouts: Partial<RedisTimeouts>): RedisClient {
    return new RedisClient({ ...this.#deps, timeouts: { ...this.#deps.timeouts, ...timeouts } });
  }

  /** Says goodbye, waits at most a second, then cuts. Never rejects. */
  async close(): Promise<void> {
    this.#stopMetrics();
    try {
      if (this.isReady) await withTimeout(this.commands.quit(), CLOSE_MS, () => this.#unavailable());
    } catch (error) {
      this.#logger.debug({ err: error }, 'the Redis connection is cut');
    }
    this.commands.disconnect();
  }

  #call(script: Script<unknown>): (args: readonly (string | number)[]) => Promise<unknown> {
    const known = this.#scripts.get(script.name);
    if (known === undefined) {
      this.commands.defineCommand(script.name, { lua: script.lua, numberOfKeys: script.keys });
      this.#scripts.set(script.name, script);
    } else if (known.lua !== script.lua) {
      throw new TypeError(`two scripts are named ${script.name}`);
    }
    const command: unknown = Reflect.get(this.commands, script.name);
    if (typeof command !== 'function') throw new TypeError(`${script.name} is not a script`);
    return async (args) => {
      const reply: unknown = await Reflect.apply(command, this.commands, args);
      return reply;
    };
  }

  #onError(error: Error): void {
    this.#lastError = error;
    this.#failures.inc();
    const now = performance.now();
    if (now - this.#lastLoggedAt < LOG_EVERY_MS) {
      this.#suppressed += 1;
      return;
    }
    this.#logger.warn({ err: toRedisError(error), suppressed: this.#suppressed }, 'the Redis connection failed');
    this.#lastLoggedAt = now;
    this.#suppressed = 0;
  }

  #onReady(): void {
    if (this.#lastError !== undefined) this.#logger.info('the Redis connection is back');
    this.#lastError = undefined;
    this.#lastLoggedAt = Number.NEGATIVE_INFINITY;
  }

  #unavailable(): AppError {
    const cause = this.#lastError ?? new Error('no answer in time');
    return new AppError('SERVICE_UNAVAILABLE', 'The cache cannot be reached. Wait and try again.', {
      kind: 'unavailable',
      retryable: true,
      cause,
    });
  }
}
