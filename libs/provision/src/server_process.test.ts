import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identifyProcess, isRunning, type ProcessIdentity } from './process_identity.ts';
import { logTail, signalProcess, startServerProcess, stopProcess } from './server_process.ts';

let dir: string;
let logFile: string;
const started: ProcessIdentity[] = [];

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'warren process '));
  logFile = path.join(dir, 'log', 'out.log');
});

afterEach(async () => {
  for (const identity of started.splice(0)) await stopProcess(identity, { graceMs: 0 });
  fs.rmSync(dir, { recursive: true });
});

async function start(script: string): Promise<ProcessIdentity> {
  const identity = await startServerProcess({ command: ['/bin/sh', '-c', script], cwd: dir, logFile });
  started.push(identity);
  return identity;
}

test('A process is known by number and start time, not by number alone', async () => {
  const identity = await start('exec sleep 60');
  expect(isRunning(identity)).toBe(true);
  expect(isRunning({ ...identity, startTime: '1' })).toBe(false);
  expect(signalProcess({ ...identity, startTime: '1' }, 'SIGKILL')).toBe(false);
  expect(identifyProcess(identity.pid)).toEqual(identity);
});

test('Output goes to the log, which only its owner may read', async () => {
  await start('echo hello; echo trouble >&2; exec sleep 60');
  await expect.poll(() => logTail(logFile)).toBe('hello | trouble');
  expect(fs.statSync(logFile).mode & 0o777).toBe(0o600);
});

test('A process that ends when asked is not killed', async () => {
  const identity = await start('trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.05; done');
  await expect.poll(() => logTail(logFile)).toBe('ready');
  await stopProcess(identity, { graceMs: 10_000 });
  expect(logTail(logFile)).toBe('ready | bye');
  expect(isRunning(identity)).toBe(false);
});

test('A process that ignores the request is killed after the grace, a frozen one ends without it', async () => {
  const stubborn = await start('trap "" TERM; echo ready; while :; do sleep 0.05; done');
  await expect.poll(() => logTail(logFile)).toBe('ready');
  await stopProcess(stubborn, { graceMs: 200 });
  expect(isRunning(stubborn)).toBe(false);
  const frozen = await start('exec sleep 60');
  signalProcess(frozen, 'SIGSTOP');
  const began = performance.now();
  await stopProcess(frozen, { graceMs: 10_000 });
  expect(performance.now() - began).toBeLessThan(5000);
});

test('A program that cannot be started is an error with its name', async () => {
  const starting = startServerProcess({ command: ['/no/such/server'], cwd: dir, logFile });
  await expect(starting).rejects.toMatchObject({
    code: 'PROVISION_COMMAND_FAILED',
    message: expect.stringContaining('/no/such/server') as unknown,
  });
});
