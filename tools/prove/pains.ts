import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { exitOf } from '../src/processes/exit_of.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
/** Names the tests in backticks. */
const DOCUMENT = path.join(root, 'docs', 'reliability.md');
const SECTION = '## What goes wrong elsewhere';
const TEST_FILE = /`([\w/.-]+\.i?test\.ts)`/g;

function files(patterns: readonly string[]): string[] {
  const text = fs.readFileSync(DOCUMENT, 'utf8').split(SECTION)[1]?.split('\n## ')[0] ?? '';
  const named = new Set([...text.matchAll(TEST_FILE)].map(([, file = '']) => file));
  return [...named].filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)));
}

/** `pains [pattern …]`: the tests in their full size, one file after the other. */
async function main(patterns: readonly string[]): Promise<number> {
  const program = path.join(root, 'tools', 'warren.mjs');
  const args = [program, 'test', ...files(patterns), '--no-file-parallelism'];
  const env = { ...process.env, WARREN_TEST_SIZE: 'full' };
  return exitOf(spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env }));
}

process.exitCode = await main(process.argv.slice(2));
