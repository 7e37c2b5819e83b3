import { raise } from '../auth_errors.ts';
import type { PasswordAlgorithm } from './argon2_password.ts';

/** Hashes that wait for a core; more are refused, because a caller would give up before its turn. */
export const HASHING_QUEUE_LIMIT = 32;
const RETRY_AFTER_SECONDS = 1;

export interface PasswordHasherDeps {
  readonly algorithm: PasswordAlgorithm;
  /** Hashes at the same time: as many as there are cores. Each takes 19 MiB. */
  readonly concurrency: number;
}

/** Hashing is the dearest thing that a stranger can ask for, so it is bounded: cores at work, 32 waiting, then "busy". */
export class PasswordHasher {
  readonly #algorithm: PasswordAlgorithm;
  readonly #concurrency: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(deps: PasswordHasherDeps) {
    this.#algorithm = deps.algorithm;
    this.#concurrency = deps.concurrency;
  }

  /** @throws AppError AUTH_HASHING_BUSY with retryAfterSeconds */
  hash(password: string, signal?: AbortSignal): Promise<string> {
    return this.#inTurn(() => this.#algorithm.hash(password), signal);
  }

  /** Without a stored hash the work is the same and the answer is false. @throws AppError AUTH_HASHING_BUSY */
  async verify(stored: string | undefined, password: string, signal?: AbortSignal): Promise<boolean> {
    const matches = await this.#inTurn(() => this.#algorithm.verify(stored ?? this.#algorithm.decoy, password), signal);
    return matches && stored !== undefined;
  }

  isOutdated(stored: string): boolean {
    return this.#algorithm.isOutdated(stored);
  }

  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(signal: AbortSignal | undefined): Promise<void> {
    if (this.#running < this.#concurrency) {
      this.#running++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= HASHING_QUEUE_LIMIT || signal?.aborted === true) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        const place = this.#waiting.indexOf(begin);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(busy());
      };
      const begin = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(begin);
    });
  }

  /** The slot goes to the next in line without becoming free in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

const busy = (): Error => raise('AUTH_HASHING_BUSY', { retryAfterSeconds: RETRY_AFTER_SECONDS });
