import fs from 'node:fs';
import path from 'node:path';
import type { Clone } from './clone/clone.ts';
import { openClone } from './clone/clone.ts';
import { sentenceOf, ToolError, withoutPasswords } from './tool_error.ts';

type Command = (clone: Clone, args: readonly string[]) => Promise<number>;

/** Loaded when called: `npm stop` needs nothing of what `npm start` needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./commands/start.ts')).start,
  stop: async () => (await import('./commands/stop.ts')).stop,
  dev: async () => (await import('./commands/dev.ts')).dev,
  test: async () => (await import('./commands/test.ts')).test,
  check: async () => (await import('./commands/check.ts')).check,
  prove: async () => (await import('./commands/prove.ts')).prove,
  env: async () => (await import('./commands/env.ts')).env,
  bench: async () => (await import('./commands/run_script.ts')).bench,
  play: async () => (await import('./commands/run_script.ts')).play,
  cli: async () => (await import('./cli/cli.ts')).cli,
};

const root = path.resolve(import.meta.dirname, '..', '..');

/** What the person at the terminal sees of a failure: one sentence; of a defect also where its stack is. */
function report(clone: Clone | undefined, error: unknown): number {
  process.stderr.write(`warren: ${sentenceOf(error)}\n`);
  if (error instanceof ToolError) {
    for (const line of error.details) process.stderr.write(`  ${withoutPasswords(line)}\n`);
    return error.exitCode;
  }
  const isKnown = error instanceof Error && 'code' in error;
  if (!isKnown && clone !== undefined && error instanceof Error) {
    const file = path.join(clone.logDir, 'tools.log');
    fs.appendFileSync(file, `${new Date().toISOString()} ${withoutPasswords(error.stack ?? error.message)}\n`, {
      mode: 0o600,
    });
    process.stderr.write(`warren: details are in ${file}\n`);
  }
  return 1;
}

async function main(): Promise<number> {
  const [name = '', ...args] = process.argv.slice(2);
  let clone: Clone | undefined;
  try {
    const load = COMMANDS[name];
    if (load === undefined) throw new ToolError(`There is no command "${name}".`, { exitCode: 2 });
    clone = openClone(root, process.env['WARREN_HOME']);
    return await (await load())(clone, args);
  } catch (error) {
    return report(clone, error);
  }
}

/** Resolves when a slow reader of a pipe has everything, or has gone. */
const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => void stream.write('', () => resolve()));

process.exitCode = await main();
await Promise.all([written(process.stdout), written(process.stderr)]);
// Whatever still holds the process open (a watcher, a socket on its way out) has nothing left to do.
setImmediate(() => process.exit());
