import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { installPrograms } from '@warren/provision';
import { z } from 'zod';
import type { Clone } from '../clone/clone.ts';
import { ensureSecrets, settingsOf } from '../env/secrets.ts';
import { say, sayPlain } from '../output.ts';
import { exitOf } from '../processes/exit_of.ts';
import { Interrupt } from '../processes/interrupt.ts';
import { chooseServers } from '../servers/choose_servers.ts';
import { runSetup } from '../setup/run_setup.ts';
import { testEnvironment } from '../setup/test_environment.ts';
import { sentenceOf } from '../tool_error.ts';
import { stopStarted } from './with_servers.ts';

const VitestReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

/** Sums of a run. A file that failed without a failing test in it (it does not even load) counts as one failure. */
export function countTests(report: unknown): { passed: number; failed: number } {
  const { numPassedTests, numFailedTests, testResults } = VitestReport.parse(report);
  const broken = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  );
  return { passed: numPassedTests, failed: numFailedTests + broken.length };
}

function readCounts(file: string): { passed: number; failed: number } {
  try {
    return countTests(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    // Vitest ended without a report: that is a failure, whatever its exit code says.
    return { passed: 0, failed: 1 };
  }
}

/** Programs that tests run as a reader of the documents would: the transcripts of the README are made with curl. */
const PROGRAMS = ['curl'];

/** Without root the tests that need one say so themselves. */
async function ensurePrograms(): Promise<void> {
  try {
    const installed = await installPrograms(PROGRAMS, () => undefined);
    if (installed.length > 0) say(`installed ${installed.join(', ')}`);
  } catch (error) {
    say(sentenceOf(error));
  }
}

/** Runs vitest and resolves to its exit code and counts. */
async function runVitest(
  { clone, interrupt }: { clone: Clone; interrupt: Interrupt },
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; passed: number; failed: number }> {
  const report = path.join(clone.stateDir, `vitest-${process.pid}.json`);
  const program = path.join(clone.root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [program, 'run', ...reporters, ...args], {
    cwd: clone.root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  void interrupt.pressed.then(() => child.kill('SIGTERM'));
  const exitCode = await exitOf(child);
  const counts = readCounts(report);
  fs.rmSync(report, { force: true });
  // An error outside of every test fails the run as well.
  return { code: exitCode, passed: counts.passed, failed: exitCode === 0 ? counts.failed : Math.max(1, counts.failed) };
}

/** `npm test`: everything, or the files whose name matches a pattern. The last line is `N passed, N failed`. */
export async function test(clone: Clone, patterns: readonly string[]): Promise<number> {
  const interrupt = new Interrupt();
  const everything = patterns.length === 0;
  ensureSecrets(clone);
  const settings = settingsOf(clone, process.env);
  await ensurePrograms();
  const servers = await chooseServers(clone, settings);
  let result = { code: 1, passed: 0, failed: 1 };
  try {
    interrupt.check();
    if (everything) await runSetup(clone, servers.places, settings);
    const env = await testEnvironment(clone, servers.places, settings);
    interrupt.check();
    result = await runVitest({ clone, interrupt }, patterns, env);
  } finally {
    // With a pattern they stay, so that the next run is fast.
    if (everything) await stopStarted(clone, servers);
    else if (servers.started.length > 0) say('private servers stay up for the next run; `npm stop` ends them');
  }
  sayPlain(`${result.passed} passed, ${result.failed} failed`);
  return result.code === 0 && result.failed > 0 ? 1 : result.code;
}
