import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Clone } from '../clone/clone.ts';
import { generators } from '../documents/generators.ts';
import { inSeconds, say, sayPlain, withProgress } from '../output.ts';
import { exitOf } from '../processes/exit_of.ts';
import { ToolError } from '../tool_error.ts';

interface Step {
  readonly name: string;
  /** Program and arguments; a program without a slash is one of the installed packages. */
  readonly command: readonly string[];
  /** What to run instead with --fix. */
  readonly fix?: readonly string[];
  /** What it says is shown even when it succeeds. */
  readonly speaks?: boolean;
  /** Without this file there is nothing to check. */
  readonly needs?: string;
}

interface Options {
  readonly fix: boolean;
  readonly accept: boolean;
  /** Of the unit tests only the files whose names match one; none: all. */
  readonly patterns: readonly string[];
}

interface Outcome {
  readonly name: string;
  readonly ms: number;
  readonly verdict: 'ok' | 'FAILED' | 'absent';
}

/** Named, because a linter that is let loose on the root walks every dependency. */
const FOLDERS = ['apps', 'libs', 'examples', 'tests', 'tools', 'bench'];
const ROOT_FILES = ['rabbitmq_topology.ts', 'vitest.config.ts'];
const MAX_KEPT_CHARS = 60_000;

function steps(root: string, { accept, patterns }: Options): Step[] {
  const places = [...FOLDERS.filter((folder) => fs.existsSync(path.join(root, folder))), ...ROOT_FILES];
  return [
    {
      name: 'format',
      command: ['biome', 'check', ...places],
      fix: ['biome', 'check', '--write', ...places],
      needs: 'biome.json',
    },
    { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings', ...places], needs: '.oxlintrc.json' },
    { name: 'types', command: ['tsc', '--noEmit'] },
    { name: 'unused', command: ['knip'] },
    ...generators(root).map((script) => {
      const command = ['node', script];
      const name = path.basename(script, '.ts').replaceAll('_', ' ');
      const fix = accept ? [...command, '--accept-breaking'] : command;
      return { name, command: [...command, '--check'], fix, speaks: true };
    }),
    { name: 'unit tests', command: ['vitest', 'run', '--project', 'unit', '--reporter=dot', ...patterns] },
  ];
}

function programOf(root: string, name: string): readonly string[] {
  if (name === 'node') return [process.execPath];
  return [path.join(root, 'node_modules', '.bin', name)];
}

async function run(root: string, step: Step, fix: boolean): Promise<Outcome> {
  if (step.needs !== undefined && !fs.existsSync(path.join(root, step.needs)))
    return { name: step.name, ms: 0, verdict: 'absent' };
  const [name = '', ...args] = (fix ? step.fix : undefined) ?? step.command;
  const [program = '', ...first] = programOf(root, name);
  const begin = performance.now();
  let output = '';
  const code = await withProgress(step.name, async () => {
    const child = spawn(program, [...first, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MAX_KEPT_CHARS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    return exitOf(child);
  });
  const ms = performance.now() - begin;
  if (code === 0) {
    if (step.speaks === true && output !== '') sayPlain(output.trimEnd());
    return { name: step.name, ms, verdict: 'ok' };
  }
  sayPlain(output.trimEnd());
  say(`${step.name}: failed`);
  return { name: step.name, ms, verdict: 'FAILED' };
}

/** `npm run check`: every step runs, whatever the others say; ends with a table. */
export async function check(clone: Clone, args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  const outcomes: Outcome[] = [];
  for (const step of steps(clone.root, options)) outcomes.push(await run(clone.root, step, options.fix));
  const width = Math.max(...outcomes.map(({ name }) => name.length)) + 2;
  for (const { name, ms, verdict } of outcomes) sayPlain(`${name.padEnd(width)}${verdict.padEnd(8)}${inSeconds(ms)}`);
  const failed = outcomes.filter(({ verdict }) => verdict === 'FAILED');
  sayPlain(
    failed.length === 0 ? 'check: ok' : `check: ${failed.length} failed: ${failed.map(({ name }) => name).join(', ')}`,
  );
  return failed.length === 0 ? 0 : 1;
}

function parseOptions(args: readonly string[]): Options {
  const options = { fix: { type: 'boolean' }, 'accept-breaking': { type: 'boolean' } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { fix = false, 'accept-breaking': accept = false } = values;
    if (accept && !fix) throw new ToolError('--accept-breaking goes with --fix alone.', { exitCode: 2 });
    return { fix, accept, patterns: positionals };
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const message = 'The only options are --fix and --accept-breaking; see `npm run check -- --help`.';
    throw new ToolError(message, { exitCode: 2, cause: error });
  }
}
