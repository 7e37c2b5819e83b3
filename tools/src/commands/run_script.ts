import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Clone } from '../clone/clone.ts';
import { ensureSecrets, settingsOf } from '../env/secrets.ts';
import { sayPlain } from '../output.ts';
import { exitOf } from '../processes/exit_of.ts';
import { chooseServers } from '../servers/choose_servers.ts';
import { testEnvironment } from '../setup/test_environment.ts';
import { ToolError } from '../tool_error.ts';
import { stopStarted } from './with_servers.ts';

/** Runs a program in the foreground, with the terminal, and resolves to its exit code. */
async function runForeground(
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

function requireFile(clone: Clone, ...parts: string[]): string {
  const file = path.join(clone.root, ...parts);
  if (fs.existsSync(file)) return file;
  throw new ToolError(`There is no ${path.join(...parts)}.`);
}

/** `npm run play`: the terminal client. */
export function play(clone: Clone, args: readonly string[]): Promise<number> {
  return runForeground(clone, [process.execPath, requireFile(clone, 'examples', 'play', 'src', 'main.ts'), ...args]);
}

/** `npm run prove`: both commands on a bare machine. */
export function prove(clone: Clone, args: readonly string[]): Promise<number> {
  return runForeground(clone, ['bash', requireFile(clone, 'tools', 'prove_bare_machine.sh'), ...args]);
}

const measures = (clone: Clone): string[] =>
  fs
    .readdirSync(path.join(clone.root, 'bench'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -'.ts'.length));

/** `npm run bench -- <name>`: one measure, with the addresses of the servers in WARREN_TEST_*. */
export async function bench(clone: Clone, args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || !measures(clone).includes(name)) {
    sayPlain(`npm run bench -- <name>; names: ${measures(clone).join(', ') || 'none yet'}`);
    return name === undefined || name === '--help' ? 0 : 2;
  }
  ensureSecrets(clone);
  const settings = settingsOf(clone, process.env);
  const servers = await chooseServers(clone, settings);
  try {
    const env = await testEnvironment(clone, servers.places, settings);
    return await runForeground(clone, [process.execPath, path.join(clone.root, 'bench', `${name}.ts`), ...rest], env);
  } finally {
    await stopStarted(clone, servers);
  }
}
