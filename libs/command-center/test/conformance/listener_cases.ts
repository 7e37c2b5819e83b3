import { AppError } from '@warren/kernel';
import { commandsQueue, deadQueue, EXCHANGE } from '@warren/rabbit';
import { expect } from 'vitest';
import { nextOf, until } from '../raw_channel.ts';
import { type BrokerPlace, ListenerBench, WORK, type Work } from './listener_bench.ts';

export interface ListenerCase {
  readonly title: string;
  readonly run: (place: BrokerPlace) => Promise<void>;
}

const QUEUE = commandsQueue('allocator');
const DEAD = deadQueue('allocator');
const PATIENCE_MS = 20_000;

const eventually = (condition: () => boolean | Promise<boolean>): Promise<void> => until(condition, PATIENCE_MS);

/** Opens a service that works as said, and closes it whatever happens. */
async function withService(
  place: BrokerPlace,
  work: Work,
  use: (bench: ListenerBench) => Promise<void>,
): Promise<void> {
  const bench = await ListenerBench.open(place, work);
  try {
    await use(bench);
  } finally {
    await bench.close();
  }
}

const send = (bench: ListenerBench, messageId: string, body = `{"text":"${messageId}"}`): Promise<void> =>
  bench.raw.publish(EXCHANGE.commands, WORK.name, body, { messageId, type: `${WORK.name}@1` });

export const LISTENER_CASES: readonly ListenerCase[] = [
  {
    title: 'a call is handled and answered',
    run: (place) =>
      withService(
        place,
        async (text) => ({ text: `${text}!` }),
        async ({ rpc }) => expect(await rpc.call(WORK, { text: 'hello' })).toEqual({ text: 'hello!' }),
      ),
  },
  {
    title: 'what a handler throws is the answer, and nothing is parked',
    run: (place) =>
      withService(
        place,
        async () => {
          throw new AppError('ALLOCATOR_REFUSED', 'No.', { kind: 'conflict', retryAfterSeconds: 3 });
        },
        async ({ rpc, raw }) => {
          await expect(rpc.call(WORK, { text: '' })).rejects.toMatchObject({
            code: 'ALLOCATOR_REFUSED',
            kind: 'conflict',
            retryAfterSeconds: 3,
          });
          expect(await raw.ready(DEAD)).toBe(0);
        },
      ),
  },
  {
    title: 'a command that succeeds leaves its queue',
    run: async (place) => {
      const done: string[] = [];
      const work: Work = async (text) => {
        done.push(text);
        return { text };
      };
      await withService(place, work, async (bench) => {
        for (const id of ['1', '2', '3']) await send(bench, id);
        await eventually(() => done.length === 3);
        expect(done.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['1', '2', '3']);
        await eventually(async () => (await bench.raw.ready(QUEUE)) === 0);
      });
    },
  },
  {
    title: 'a command that may succeed later comes back with its attempt counted',
    run: async (place) => {
      const attempts: number[] = [];
      const work: Work = async (text, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 2) throw new AppError('NOT_NOW', 'Not now.', { kind: 'unavailable', retryable: true });
        return { text };
      };
      await withService(place, work, async (bench) => {
        await send(bench, '1');
        await eventually(() => attempts.length === 2);
        expect(attempts).toEqual([1, 2]);
        expect(await bench.raw.ready(DEAD)).toBe(0);
      });
    },
  },
  {
    title: 'a command that no handler can read is parked once, with the reason and its source',
    run: async (place) => {
      const work: Work = async (text) => ({ text });
      await withService(place, work, async (bench) => {
        await send(bench, 'poison', '{"text":7}');
        const dead = await nextOf(bench.raw, DEAD, PATIENCE_MS);
        expect(dead.messageId).toBe('poison');
        expect(dead.headers).toMatchObject({ 'warren-reason': 'invalid_payload', 'warren-source-queue': QUEUE });
        expect(await bench.raw.ready(DEAD)).toBe(0);
        await eventually(async () => (await bench.raw.ready(QUEUE)) === 0);
      });
    },
  },
  {
    title: 'no more commands run at once than were allowed',
    run: async (place) => {
      let running = 0;
      let most = 0;
      let done = 0;
      const work: Work = async (text) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
        done++;
        return { text };
      };
      await withService(place, work, async (bench) => {
        await Promise.all(Array.from({ length: 20 }, (_, i) => send(bench, String(i))));
        await eventually(() => done === 20);
        expect(most).toBe(4);
      });
    },
  },
  {
    title: 'a broken connection gives a running command to the next one, and listeners consume again',
    run: async (place) => {
      const begun: string[] = [];
      let hold = true;
      const work: Work = async (text, { signal }) => {
        begun.push(text);
        if (hold) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return { text };
      };
      await withService(place, work, async (bench) => {
        await send(bench, '1');
        await eventually(() => begun.length === 1);
        hold = false;
        bench.place.cut();
        await eventually(() => begun.length === 2);
        await eventually(() => bench.listeners.every(({ problem }) => problem === undefined));
        expect(begun).toEqual(['1', '1']);
      });
    },
  },
  {
    title: 'a paused listener takes nothing, and goes on after resume',
    run: async (place) => {
      const done: string[] = [];
      const work: Work = async (text) => {
        done.push(text);
        return { text };
      };
      await withService(place, work, async (bench) => {
        for (const listener of bench.listeners) await listener.pause();
        await send(bench, '1');
        await eventually(async () => (await bench.raw.ready(QUEUE)) === 1);
        expect(done).toEqual([]);
        for (const listener of bench.listeners) await listener.resume();
        await eventually(() => done.length === 1);
      });
    },
  },
];
