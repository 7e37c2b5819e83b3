import { type ChildProcess, spawn } from 'node:child_process';

interface RunSpec {
  /** Root of the image; also the working directory, as in the container. */
  readonly folder: string;
  /** Behind `node`. */
  readonly args: readonly string[];
  /** All there is: nothing is inherited but PATH, as in the container. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 60_000;
const POLL_MS = 25;

/** A Node program from the folder of an image. */
export class NodeRun {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor({ folder, args, env }: RunSpec) {
    const PATH = process.env['PATH'] ?? '';
    this.#child = spawn(process.execPath, [...args], {
      cwd: folder,
      env: { PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => void (this.stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => void (this.stderr += text));
    this.#ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  async ended(): Promise<Ended> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), LIMIT_MS);
    const code = await this.#ended;
    clearTimeout(timer);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  async stop(): Promise<Ended> {
    this.#child.kill('SIGTERM');
    return this.ended();
  }

  /** The log line with this message. @throws Error with what the program said instead */
  async logged(message: string): Promise<Record<string, unknown>> {
    const until = performance.now() + LIMIT_MS;
    for (;;) {
      const line = this.stdout.split('\n').find((text) => text.includes(`"msg":"${message}"`));
      if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
      if (this.#child.exitCode !== null || performance.now() > until)
        throw new Error(`no line "${message}": ${this.stderr.slice(-1_000)} ${this.stdout.slice(-1_000)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

export const runNode = (spec: RunSpec): Promise<Ended> => new NodeRun(spec).ended();
