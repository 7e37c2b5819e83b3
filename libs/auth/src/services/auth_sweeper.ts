import { type Clock, type Logger, toAppError } from '@warren/kernel';
import type { Database, Tx } from '@warren/postgres';
import type { RefreshTokenRepository } from '../repositories/refresh_token_repository.ts';
import type { ServerKeyRepository } from '../repositories/server_key_repository.ts';
import type { SessionRepository } from '../repositories/session_repository.ts';

const SWEEP_EVERY_MS = 600_000;
/** Rows per statement: short locks, and short lists of dead rows for vacuum. */
const BATCH_ROWS = 500;
const MAX_BATCHES = 200;

export interface AuthSweeperDeps {
  readonly database: Database;
  readonly sessions: SessionRepository;
  readonly refreshTokens: RefreshTokenRepository;
  readonly serverKeys: ServerKeyRepository;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Deletes rows whose time is over, so that the tables do not grow for ever. Replicas may sweep at the same time. */
export class AuthSweeper {
  readonly name = 'auth sweeper';
  readonly #deps: AuthSweeperDeps;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: AuthSweeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One round. Resolves to the number of deleted rows. */
  async sweep(): Promise<number> {
    const { sessions, refreshTokens, serverKeys } = this.#deps;
    const counts = [
      await this.#inBatches((tx) => refreshTokens.deleteExpired(tx, BATCH_ROWS)),
      await this.#inBatches((tx) => sessions.deleteExpired(tx, BATCH_ROWS)),
      await this.#inBatches((tx) => serverKeys.deleteUnusedBindings(tx, BATCH_ROWS)),
    ];
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#deps.clock.sleep(SWEEP_EVERY_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.sweep();
      } catch (cause) {
        this.#deps.logger.warn({ err: toAppError(cause) }, 'the sweep failed and is tried again in ten minutes');
      }
    }
  }

  async #inBatches(deleteBatch: (tx: Tx) => Promise<number>): Promise<number> {
    let total = 0;
    for (let batch = 0; batch < MAX_BATCHES && !this.#stop.signal.aborted; batch++) {
      const deleted = await this.#deps.database.transaction(deleteBatch);
      total += deleted;
      if (deleted < BATCH_ROWS) break;
    }
    return total;
  }
}
