import { type ChildProcess, spawn } from 'node:child_process';
import { until } from '../../e2e/support/until.ts';

const COMMAND_MS = 150_000;
const START_MS = 60_000;
const KEPT_CHARS = 6_000;

/** A test run that ends without cleaning up must not leave anything running. */
const RUNNING = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of RUNNING) signalGroup(child, 'SIGKILL');
});

/** As a terminal does with Ctrl-C: everything that the command started there gets it. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // it has ended
  }
}

/** One command line in a terminal of its own. */
export class Terminal {
  output = '';
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(command: string, place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }) {
    this.#command = command;
    const child = spawn('bash', ['-c', command], { ...place, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    RUNNING.add(child);
    const keep = (text: string): void => void (this.output += text);
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    this.#ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    void this.#ended.finally(() => RUNNING.delete(child)).catch(() => undefined);
  }

  /** Resolves to what it printed. @throws Error unless it ends well, in time */
  async ended(): Promise<string> {
    const code = await this.#end();
    if (code === 0) return this.output;
    throw new Error(`\`${this.#command}\` ended with ${code}:\n${this.output.slice(-KEPT_CHARS)}`);
  }

  /** Resolves to the match in what it prints. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = (): RegExpExecArray | undefined => {
      if (!RUNNING.has(this.#child))
        throw new Error(`\`${this.#command}\` has ended:\n${this.output.slice(-KEPT_CHARS)}`);
      return pattern.exec(this.output) ?? undefined;
    };
    return until(found, { timeoutMs: START_MS, what: `\`${this.#command}\` prints ${pattern}` });
  }

  /** Resolves to what it printed. npm ends by the signal as well, so its exit code says nothing. */
  async pressCtrlC(): Promise<string> {
    signalGroup(this.#child, 'SIGINT');
    await this.#end();
    return this.output;
  }

  async #end(): Promise<number | null> {
    const timer = setTimeout(() => signalGroup(this.#child, 'SIGKILL'), COMMAND_MS);
    return this.#ended.finally(() => clearTimeout(timer));
  }
}
