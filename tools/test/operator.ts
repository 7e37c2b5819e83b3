import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run warren -- …` as a process of its own, in a home of its own. */
export class Operator {
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'warren operator '));
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = { ...process.env, WARREN_HOME: this.home, ...env };
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    return this.#spawn(process.execPath, [path.join(ROOT, 'tools', 'src', 'main.ts'), 'cli', ...args]);
  }

  /** The same with a terminal on all three streams, which arrive together as `stdout`. */
  startInTerminal(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const words = [process.execPath, path.join(ROOT, 'tools', 'src', 'main.ts'), 'cli', ...args];
    const command = words.map((word) => `'${word}'`).join(' ');
    return this.#spawn('script', ['-q', '-e', '-c', command, '/dev/null']);
  }

  remove(): void {
    fs.rmSync(this.home, { recursive: true, force: true });
  }

  #spawn(program: string, args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const child = spawn(program, args, { cwd: ROOT, env: this.#env, stdio: 'pipe' });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    return { child, ended };
  }
}
