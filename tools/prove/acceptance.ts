import { spawn } from 'node:child_process';
import path from 'node:path';
import { say, sayPlain } from '../src/output.ts';
import { exitOf } from '../src/processes/exit_of.ts';

const SEEDS = ['11', '4242', '20261'];
const root = path.resolve(import.meta.dirname, '..', '..');

/** The acceptance tests in their full size with one seed. */
function runWith(seed: string, patterns: readonly string[]): Promise<number> {
  const program = path.join(root, 'tools', 'warren.mjs');
  // one file after the other: each loads the whole machine
  const args = [program, 'test', ...patterns, '--no-file-parallelism'];
  const env = { ...process.env, WARREN_TEST_SIZE: 'full', WARREN_TEST_SEED: seed };
  return exitOf(spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env }));
}

/** `acceptance [seed …] [pattern …]`: what is a number is a seed. */
async function main(args: readonly string[]): Promise<number> {
  const seeds = args.filter((arg) => /^\d+$/.test(arg));
  const patterns = args.filter((arg) => !/^\d+$/.test(arg));
  const failed: string[] = [];
  for (const seed of seeds.length > 0 ? seeds : SEEDS) {
    say(`acceptance tests in full, seed ${seed}`);
    if ((await runWith(seed, patterns.length > 0 ? patterns : ['tests/acceptance'])) !== 0) failed.push(seed);
  }
  sayPlain(failed.length === 0 ? 'acceptance: ok' : `acceptance: failed with seed ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
