import { AppError, type Clock, type Logger, toAppError, withTimeout } from '@warren/kernel';
import { Budget } from './budget.ts';
import type { Health } from './health.ts';

export interface LifecycleDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly health: Health;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

interface Undo {
  readonly name: string;
  readonly run: (budget: Budget) => Promise<unknown>;
  readonly drains: boolean;
}

/** One undo may not hold up the others for longer than this. */
const UNDO_TIMEOUT_MS = 5_000;
/** What is undone after the drains needs a moment too: links and pools say goodbye. */
const AFTER_DRAIN_MS = 500;

/** The steps of a start, each logged with its duration, and the way back: last step first. */
export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #undos: Undo[] = [];
  #closing: Promise<boolean> | undefined;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
  }

  /** @throws what `work` throws, or AppError START_CANCELLED when the start was given up meanwhile */
  async step<T>(name: string, work: () => Promise<T> | T): Promise<T> {
    const { clock, health, logger } = this.#deps;
    this.#throwIfCancelled(name);
    const startedAt = clock.monotonicMs();
    health.starting(name);
    const result = await this.#unlessCancelled(name, Promise.resolve(work()));
    logger.info({ step: name, ms: Math.round(clock.monotonicMs() - startedAt) }, 'started');
    return result;
  }

  /** Registers how to undo a step; right before it where a step that fails half-way leaves something behind. */
  onClose(name: string, run: (budget: Budget) => Promise<unknown>): void {
    this.#undos.push({ name, run, drains: false });
  }

  /** As `onClose`, for work that may take what the grace allows. */
  onDrain(name: string, run: (budget: Budget) => Promise<unknown>): void {
    this.#undos.push({ name, run, drains: true });
  }

  /**
   * Undoes everything within about `graceMs`, last step first; once. Resolves to false when something could not be undone
   * in order. Never rejects.
   */
  close(graceMs: number): Promise<boolean> {
    this.#closing ??= this.#close(new Budget(this.#deps.clock, graceMs));
    return this.#closing;
  }

  async #close(budget: Budget): Promise<boolean> {
    const { clock, logger } = this.#deps;
    let clean = true;
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      const startedAt = clock.monotonicMs();
      const step = undo.name;
      try {
        await this.#undo(undo, budget);
        logger.info({ step, ms: Math.round(clock.monotonicMs() - startedAt) }, 'stopped');
      } catch (cause) {
        clean = false;
        logger.error(
          { step, err: cause instanceof Error ? cause : toAppError(cause) },
          'could not be stopped in order',
        );
      }
    }
    return clean;
  }

  async #undo({ name, run, drains }: Undo, budget: Budget): Promise<void> {
    const limit = drains ? Math.max(AFTER_DRAIN_MS, budget.remainingMs(AFTER_DRAIN_MS)) : UNDO_TIMEOUT_MS;
    const work = (async () => run(budget))();
    await withTimeout(
      work,
      limit,
      () => new AppError('SHUTDOWN_STUCK', `${name} did not stop in time.`, { kind: 'internal' }),
    );
  }

  #throwIfCancelled(name: string): void {
    if (this.#deps.signal?.aborted === true) throw cancelled(name);
  }

  /** What the step still does is undone with the rest: it registered its undo first. */
  async #unlessCancelled<T>(name: string, work: Promise<T>): Promise<T> {
    const { signal } = this.#deps;
    if (signal === undefined) return work;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(cancelled(name));
    signal.addEventListener('abort', onAbort, { once: true });
    work.catch(() => undefined);
    try {
      return await Promise.race([work, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

export const START_CANCELLED = 'START_CANCELLED';

function cancelled(step: string): AppError {
  return new AppError(START_CANCELLED, `The start was given up at: ${step}.`, { kind: 'unavailable', retryable: true });
}
