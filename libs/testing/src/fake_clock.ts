import type { Clock } from '@warren/kernel';

/** Turns of the event loop that `advance` grants to what it woke, before it looks for the next sleeper. */
const TURNS_PER_STEP = 5;
/** A world that never comes to rest is a mistake of the test. */
const MAX_STEPS_TO_REST = 100_000;
const DEFAULT_START_MS = Date.UTC(2030, 0, 1);

interface Sleeper {
  dueMs: number;
  wake: () => void;
}

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  /** Moves time on, waking sleepers in order of their due times, each with the clock at its due time. */
  advance: (ms: number) => Promise<void>;
  /** Moves the wall clock alone, as NTP or an operator does. */
  stepWallClock: (ms: number) => void;
  /** Number of calls to `sleep` that have not ended. */
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
  const sleepers = new Set<Sleeper>();

  const nextDue = (limitMs: number): Sleeper | undefined =>
    [...sleepers].filter((sleeper) => sleeper.dueMs <= limitMs).sort((a, b) => a.dueMs - b.dueMs)[0];

  return {
    now: () => wallOffsetMs + monotonicMs,
    monotonicMs: () => monotonicMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const sleeper: Sleeper = { dueMs: monotonicMs + Math.max(0, ms), wake: () => end() };
        const end = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', end);
          resolve();
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', end, { once: true });
      }),
    async advance(ms) {
      const endMs = monotonicMs + ms;
      await settle(busy);
      for (let sleeper = nextDue(endMs); sleeper !== undefined; sleeper = nextDue(endMs)) {
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
