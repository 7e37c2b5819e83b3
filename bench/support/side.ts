import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import * as z from 'zod';

/** One stretch of work: for so many milliseconds with so much in flight, or until so many messages are done. */
export interface WindowOrder {
  readonly inFlight: number;
  readonly ms?: number;
  readonly messages?: number;
  /** A handler takes up to this many milliseconds. */
  readonly handlerMs?: number;
}

const WindowResult = z.object({
  calls: z.int(),
  failures: z.int(),
  /** Milliseconds of each call, at most MAX_SAMPLES of them. */
  latencies: z.array(z.number()),
});
export type WindowResult = z.output<typeof WindowResult>;

const CpuUsage = z.object({ user: z.number(), system: z.number() });

/** What a process of the benchmark does when it is asked. */
export interface Side {
  readonly run?: (order: WindowOrder) => Promise<WindowResult>;
  readonly stop: () => Promise<void>;
}

type Question = { readonly run: WindowOrder } | { readonly cpu: true } | { readonly stop: true };

const MAX_SAMPLES = 50_000;
/** A process that is asked for more than this at once has hung. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Keeps `inFlight` calls under way until the time is over, and measures each. `call` resolves to false when it failed. */
export async function measureCalls(
  call: () => Promise<boolean>,
  { inFlight, ms = 500 }: WindowOrder,
): Promise<WindowResult> {
  const latencies: number[] = [];
  let calls = 0;
  let failures = 0;
  const until = performance.now() + ms;
  const lane = async (): Promise<void> => {
    for (let begin = performance.now(); begin < until; ) {
      const ok = await call();
      const end = performance.now();
      calls++;
      if (!ok) failures++;
      if (latencies.length < MAX_SAMPLES) latencies.push(end - begin);
      begin = end;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { calls, failures, latencies };
}

/** Serves the questions of the parent process until it says stop. */
export function serveSide(side: Side): void {
  const answer = async (question: Question): Promise<unknown> => {
    if ('run' in question) return side.run?.(question.run);
    if ('cpu' in question) return process.cpuUsage();
    await side.stop();
    return 'stopped';
  };
  process.on('message', (question: Question) => {
    void answer(question).then((value) => {
      process.send?.({ value });
      if ('stop' in question) process.disconnect();
    });
  });
  process.send?.({ value: 'ready' });
}

/** A process of the benchmark as its parent sees it. One question at a time. */
export class SideProcess {
  readonly #child: ChildProcess;
  #answered: PromiseWithResolvers<unknown> = Promise.withResolvers();

  private constructor(script: string, args: readonly string[]) {
    const file = path.join(import.meta.dirname, script);
    this.#child = fork(file, [...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: { value: unknown }) => this.#answered.resolve(message.value));
    this.#child.once('exit', (code) => this.#answered.reject(new Error(`${script} ended with code ${String(code)}`)));
    this.#answered.promise.catch(() => undefined);
  }

  static async start(script: string, ...args: string[]): Promise<SideProcess> {
    const side = new SideProcess(script, args);
    await side.#next();
    return side;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async run(order: WindowOrder): Promise<WindowResult> {
    return WindowResult.parse(await this.#ask({ run: order }));
  }

  /** Microseconds of processor time so far, of all threads. */
  async cpuMicros(): Promise<number> {
    const { user, system } = CpuUsage.parse(await this.#ask({ cpu: true }));
    return user + system;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.connected) await this.#ask({ stop: true });
  }

  #ask(question: Question): Promise<unknown> {
    this.#answered = Promise.withResolvers();
    this.#child.send(question);
    return this.#next();
  }

  async #next(): Promise<unknown> {
    const late = new Error('a process of the benchmark does not answer');
    const timer = setTimeout(() => this.#answered.reject(late), ANSWER_TIMEOUT_MS);
    return this.#answered.promise.finally(() => clearTimeout(timer));
  }
}
