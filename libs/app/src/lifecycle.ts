import type { Clock, Logger } from '@warren/kernel';
import { AppError, toAppError, withTimeout } from '@warren/kernel';
import type { Health } from './health.ts';

interface Undo {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** One undo may not hold up the others for longer than this. */
const UNDO_TIMEOUT_MS = 5_000;

/** The steps of a start, each logged with its duration, and the way back: last step first. */
export class Lifecycle {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #health: Health;
  readonly #undos: Undo[] = [];
  #closing: Promise<boolean> | undefined;

  constructor(deps: { logger: Logger; clock: Clock; health: Health }) {
    this.#logger = deps.logger;
    this.#clock = deps.clock;
    this.#health = deps.health;
  }

  async step<T>(name: string, work: () => Promise<T> | T): Promise<T> {
    const startedAt = this.#clock.monotonicMs();
    this.#health.starting(name);
    const result = await work();
    this.#logger.info({ step: name, ms: Math.round(this.#clock.monotonicMs() - startedAt) }, 'started');
    return result;
  }

  /** Registers how to undo the step that was just done. */
  onClose(name: string, run: () => Promise<unknown>): void {
    this.#undos.push({ name, run });
  }

  /** Undoes everything, last step first; once. Resolves to false when something could not be undone in order. */
  close(): Promise<boolean> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<boolean> {
    let clean = true;
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      const startedAt = this.#clock.monotonicMs();
      const { name } = undo;
      try {
        await withTimeout(undo.run(), this.#limit(name), () => new AppError('SHUTDOWN_STUCK', `${name} did not stop in time.`, { kind: 'internal' }));
        this.#logger.info({ step: name, ms: Math.round(this.#clock.monotonicMs() - startedAt) }, 'stopped');
      } catch (cause) {
        clean = false;
        this.#logger.error({ step: name, err: toAppError(cause) }, 'could not be stopped in order');
      }
    }
    return clean;
  }

  /** Draining takes as long as the grace allows; the hard end of the process bounds it. */
  #limit(name: string): number {
    return name.startsWith('drain') ? Number.MAX_SAFE_INTEGER & 0x7fff_ffff : UNDO_TIMEOUT_MS;
  }
}
