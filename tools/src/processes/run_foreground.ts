import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Clone } from '../clone/clone.ts';
import { ToolError } from '../tool_error.ts';
import { exitOf } from './exit_of.ts';

/** Runs a program in the foreground, with the terminal, and resolves to its exit code. */
export async function runForeground(
  clone: Clone,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: clone.root, stdio: 'inherit', env: { ...process.env, ...env } });
  const ignore = (): void => undefined;
  // In a terminal the program gets Ctrl-C itself and decides; a signal sent to us alone is passed on.
  const forward = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGTERM', forward);
  const code = await exitOf(child);
  process.off('SIGINT', ignore).off('SIGTERM', forward);
  return code;
}

/** The path of a file of the clone. @throws ToolError when it is not there */
export function requireFile(clone: Clone, ...parts: string[]): string {
  const file = path.join(clone.root, ...parts);
  if (fs.existsSync(file)) return file;
  throw new ToolError(`There is no ${path.join(...parts)}.`);
}
