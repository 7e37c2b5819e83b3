import { spawn } from 'node:child_process';

const MAX_KEPT_CHARS = 4_000;

export interface Ran {
  readonly ok: boolean;
  /** The end of what it wrote, to both streams. */
  readonly output: string;
}

/** Runs a program whose output matters only when it fails. Never rejects. */
export function runQuietly(cwd: string, [program = '', ...args]: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: string): void => {
      output = (output + chunk).slice(-MAX_KEPT_CHARS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
}
