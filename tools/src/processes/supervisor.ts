import { backoffMs, systemRng } from '@warren/kernel';
import type { Clone } from '../clone/clone.ts';
import { say } from '../output.ts';
import { ManagedProcess, type ProcessSpec } from './managed_process.ts';
import { type Readiness, waitUntilReady } from './wait_ready.ts';

const BACKOFF = { baseMs: 500, maxMs: 30_000 };
/** A process that lived this long begins its backoff anew. */
const STEADY_MS = 60_000;

export interface SupervisedSpec extends ProcessSpec {
  readonly ready: Readiness;
}

/** Keeps one process alive. Until it was ready once, its death is the end; afterwards it is started again, ever more slowly. */
export class SupervisedProcess {
  readonly process: ManagedProcess;
  readonly #ready: Readiness;
  #startedAt = 0;
  #deaths = 0;
  #keepAlive = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(clone: Clone, spec: SupervisedSpec) {
    this.#ready = spec.ready;
    this.process = new ManagedProcess(clone, spec, (how) => this.#onExit(how));
  }

  /** Starts the process; rejects when it ends before it is ready. */
  async start(): Promise<void> {
    this.#startedAt = performance.now();
    this.process.start();
    await waitUntilReady(this.process, this.#ready);
  }

  /** From now on a death is answered by a new start. */
  keepAlive(): void {
    this.#keepAlive = true;
  }

  async restart(): Promise<void> {
    clearTimeout(this.#timer);
    await this.process.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.#keepAlive = false;
    clearTimeout(this.#timer);
    await this.process.stop();
  }

  #onExit(how: string): void {
    if (!this.#keepAlive) return;
    if (performance.now() - this.#startedAt > STEADY_MS) this.#deaths = 0;
    this.#deaths += 1;
    const ms = backoffMs(this.#deaths, BACKOFF, systemRng);
    say(`${this.process.name} ${how}; starting it again in ${(ms / 1000).toFixed(1)} s (log: ${this.process.logFile})`);
    this.#timer = setTimeout(() => this.#again(), ms);
  }

  #again(): void {
    this.start().then(
      () => say(`${this.process.name} is ready again (pid ${this.process.pid ?? 0})`),
      // Its next death, or this one, is answered by `#onExit`; one that hangs unready is left to whoever reads this.
      (error: unknown) => say(error instanceof Error ? error.message : String(error)),
    );
  }
}
