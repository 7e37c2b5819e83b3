import type { AppProcess, LogLine } from '../../e2e/support/app_process.ts';
import { ROLES, WarrenSystem } from '../../e2e/support/warren_system.ts';

/** No answer of a test about input may be about its rate. */
const RAISED_LIMITS = { GATEWAY_RATE_LIMIT_FACTOR: '100000', GATEWAY_WS_MESSAGES_PER_SECOND: '10000' };
/** Address of the module that makes a process tell how it is; for `--import`. */
export const EVENT_LOOP_PROBE = new URL('./event_loop_probe.ts', import.meta.url).href;
/** Processes that start at once take their time where few cores do much else. */
const START_TIMEOUT_MS = 150_000;
const PROBE_TIMEOUT_MS = 20_000;

const isReady = ({ msg }: LogLine): boolean => msg === 'ready';

export interface Reading {
  readonly name: string;
  readonly pid: number;
  readonly role: string;
  /** Longest time that the event loop was late, milliseconds. */
  readonly lagMs: number;
  /** The part of it that the process's own work used. */
  readonly heldMs: number;
}

/** A whole system whose processes tell on demand how they are. */
export class WatchedSystem {
  readonly system: WarrenSystem;
  readonly #pids: readonly number[];
  #asked = 0;

  private constructor(system: WarrenSystem) {
    this.system = system;
    this.#pids = system.processes.map((process) => process.pid);
  }

  static async start(): Promise<WatchedSystem> {
    const system = await WarrenSystem.prepare({
      env: { ...RAISED_LIMITS, NODE_OPTIONS: `--import=${EVENT_LOOP_PROBE}` },
    });
    try {
      const ready = ROLES.map((role) => system.launch(role)).map((app) => app.waitFor(isReady, START_TIMEOUT_MS));
      if ((await Promise.all(ready)).includes(undefined)) throw new Error('a service did not become ready');
      const watched = new WatchedSystem(system);
      await watched.read();
      return watched;
    } catch (error) {
      // nobody else knows these processes
      await system.stop();
      throw error;
    }
  }

  get url(): string {
    const [url] = this.system.gatewayUrls;
    if (url === undefined) throw new Error('no gateway runs');
    return url;
  }

  /** What every process measured since the last reading. @throws Error when one of them does not answer */
  async read(): Promise<Reading[]> {
    this.#asked++;
    return Promise.all(this.system.processes.map((process) => this.#readOne(process)));
  }

  /** What went wrong with the processes: ended, restarted, event loop held too long, a polluted prototype. */
  async faults(maxHeldMs: number): Promise<string[]> {
    const gone = this.system.processes
      .filter((process) => !process.running)
      .map(({ name, stderr }) => `${name} ended: ${stderr}`);
    if (gone.length > 0) return gone;
    const readings = await this.read();
    const faults = readings.flatMap(({ name, role, heldMs }) => [
      ...(role === 'undefined' ? [] : [`${name}: ({}).role is ${role}`]),
      ...(heldMs <= maxHeldMs ? [] : [`${name} held its event loop for ${Math.round(heldMs)} ms`]),
    ]);
    const pids = readings.map(({ pid }) => pid);
    if (pids.join() !== this.#pids.join())
      faults.push(`the processes changed: ${this.#pids.join()} became ${pids.join()}`);
    process.stdout.write(`${readings.map(tell).join('\n')}\n`);
    return faults;
  }

  /** Bytes of memory that the gateway holds. */
  async gatewayMemory(): Promise<number> {
    const text = await (await fetch(`${this.#adminUrl()}/metrics`)).text();
    return Number(/^process_resident_memory_bytes\{[^}]*\} (\S+)$/m.exec(text)?.[1]);
  }

  stop(): Promise<string[]> {
    return this.system.stop();
  }

  #adminUrl(): string {
    const line = this.system.of('gateway')[0]?.lines.find(isReady);
    return String(line?.['adminUrl']);
  }

  async #readOne(process: AppProcess): Promise<Reading> {
    const wanted = this.#asked;
    let seen = 0;
    process.send('SIGUSR2');
    const isMine = (line: LogLine): boolean => line.msg === 'probe' && ++seen >= wanted;
    const until = performance.now() + PROBE_TIMEOUT_MS;
    for (;;) {
      seen = 0;
      const line = process.lines.find(isMine);
      if (line !== undefined)
        return {
          name: process.name,
          pid: process.pid,
          role: String(line['role']),
          lagMs: Number(line['lagMs']),
          heldMs: Number(line['heldMs']),
        };
      if (!process.running || performance.now() > until)
        throw new Error(`${process.name} does not answer: ${process.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const tell = ({ name, pid, lagMs, heldMs }: Reading): string =>
  `${name} (${pid}): event loop held ${heldMs.toFixed(1)} ms at most, late ${lagMs.toFixed(1)} ms at most`;
