import type { Clock } from '@warren/kernel';

/** Turns of the event loop that `advance` grants to what it woke, before it looks for the next sleeper. */
const TURNS_PER_STEP = 5;
/** A world that never comes to rest is a mistake of the test. */
const MAX_STEPS_TO_REST = 100_000;
const DEFAULT_START_MS = Date.UTC(2030, 0, 1);

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** Whoever waits for a time. */
class Sleepers {
  readonly #all = new Set<Sleeper>();

  get size(): number {
    return this.#all.size;
  }

  /** Returns how to call it off. */
  add(dueMs: number, wake: () => void): () => void {
    const sleeper = { dueMs, wake };
    this.#all.add(sleeper);
    return () => this.#all.delete(sleeper);
  }

  /** The next one due by then, who waits no longer. */
  take(limitMs: number): Sleeper | undefined {
    const [next] = [...this.#all].filter(({ dueMs }) => dueMs <= limitMs).sort((a, b) => a.dueMs - b.dueMs);
    if (next !== undefined) this.#all.delete(next);
    return next;
  }
}

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  /** Moves time on, waking sleepers in order of their due times, each with the clock at its due time. */
  advance: (ms: number) => Promise<void>;
  /** Moves the wall clock alone, as NTP or an operator does. */
  stepWallClock: (ms: number) => void;
  /** Number of calls to `sleep` and `after` that have not ended. */
  readonly sleepers: number;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function settle(busy: () => boolean): Promise<void> {
  let steps = 0;
  do {
    for (let count = 0; count < TURNS_PER_STEP; count += 1) await turn();
    steps += 1;
    if (steps > MAX_STEPS_TO_REST) throw new Error('what the fake clock waits for does not come to rest');
  } while (busy());
}

/** `busy` says that something still happens without time passing, such as a broker in memory: time waits for it. */
export function fakeClock(startMs: number = DEFAULT_START_MS, busy: () => boolean = () => false): FakeClock {
  let monotonicMs = 0;
  let wallOffsetMs = startMs;
  const sleepers = new Sleepers();
  const after = (ms: number, wake: () => void): (() => void) => sleepers.add(monotonicMs + Math.max(0, ms), wake);

  return {
    now: () => wallOffsetMs + monotonicMs,
    monotonicMs: () => monotonicMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const end = (): void => {
          callOff();
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const callOff = after(ms, end);
        signal?.addEventListener('abort', end, { once: true });
      }),
    after,
    async advance(ms) {
      const endMs = monotonicMs + ms;
      await settle(busy);
      for (let sleeper = sleepers.take(endMs); sleeper !== undefined; sleeper = sleepers.take(endMs)) {
        monotonicMs = Math.max(monotonicMs, sleeper.dueMs);
        sleeper.wake();
        await settle(busy);
      }
      monotonicMs = endMs;
    },
    stepWallClock: (ms) => {
      wallOffsetMs += ms;
    },
    get sleepers() {
      return sleepers.size;
    },
  };
}
