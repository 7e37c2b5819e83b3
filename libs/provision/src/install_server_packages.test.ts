import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InstallSystem, installPrograms, installServerPackages } from './install_server_packages.ts';
import { isRunning, type ProcessIdentity } from './process_identity.ts';
import { runCommand } from './run_command.ts';
import { startServerProcess, stopProcess } from './server_process.ts';

let dir: string;
let policyFile: string;
let calls: string;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-install-'));
  policyFile = path.join(dir, 'policy-rc.d');
  calls = path.join(dir, 'calls');
});

afterEach(() => fs.rmSync(dir, { recursive: true }));

/** An apt-get that writes down how it was called and what the policy said at that moment. */
function aptGet(end = 'exit 0'): string {
  const file = path.join(dir, 'apt-get');
  const script = [
    '#!/bin/sh',
    `echo "$@" >> '${calls}'`,
    'case "$*" in *install*) ;; *) exit 0;; esac',
    `'${policyFile}'; echo policy $? >> '${calls}'`,
    end,
  ];
  fs.writeFileSync(file, `${script.join('\n')}\n`, { mode: 0o755 });
  return file;
}

function system(changes: Partial<InstallSystem> = {}): InstallSystem {
  const missing = { isInstalled: () => false, hasProgram: () => false };
  const base = { isRoot: true, policyFile, ...missing, run: runCommand, listeners: () => [] };
  return { ...base, ...changes, aptGet: changes.aptGet ?? aptGet() };
}

const saying = (text: string): unknown => expect.stringContaining(text);

const quiet = (): void => undefined;

test('A missing program is installed by the package of its name, and one that is there is left alone', async () => {
  const hasProgram = (name: string): boolean => name === 'tar';
  expect(await installPrograms(['curl', 'tar'], quiet, system({ hasProgram }))).toEqual(['curl']);
  expect(fs.readFileSync(calls, 'utf8')).toContain('install --yes --no-install-recommends curl\n');
  fs.rmSync(calls);
  expect(await installPrograms(['tar'], quiet, system({ hasProgram, isRoot: false }))).toEqual([]);
  expect(fs.existsSync(calls)).toBe(false);
});

test('Missing servers are installed by one call while the policy forbids every start', async () => {
  const installed = await installServerPackages(
    ['rabbitmq', 'postgres', 'redis'],
    quiet,
    system({ isInstalled: (kind) => kind === 'redis' }),
  );
  expect(installed).toEqual(['rabbitmq-server', 'postgresql']);
  expect(fs.readFileSync(calls, 'utf8').trim().split('\n')).toEqual([
    '-o DPkg::Lock::Timeout=120 update',
    '-o DPkg::Lock::Timeout=120 install --yes --no-install-recommends rabbitmq-server postgresql',
    'policy 101',
  ]);
  expect(fs.readdirSync(dir).toSorted()).toEqual(['apt-get', 'calls']);
});

test('With everything installed nothing is called', async () => {
  expect(await installServerPackages(['rabbitmq'], quiet, system({ isInstalled: () => true, isRoot: false }))).toEqual(
    [],
  );
  expect(fs.existsSync(calls)).toBe(false);
});

test('Without root or apt-get the message says what to do by hand', async () => {
  const code = 'PROVISION_INSTALL_NOT_POSSIBLE';
  const notRoot = installServerPackages(['redis'], quiet, system({ isRoot: false }));
  await expect(notRoot).rejects.toMatchObject({
    code,
    message: saying('sudo apt-get install redis-server'),
  });
  const noApt = installServerPackages(['redis'], quiet, system({ aptGet: path.join(dir, 'none') }));
  await expect(noApt).rejects.toMatchObject({ code, message: saying('redis-server') });
});

test('A policy that was there comes back with its content and mode, also after a failure', async () => {
  fs.writeFileSync(policyFile, '#!/bin/sh\nexit 42\n', { mode: 0o744 });
  const failing = system({ aptGet: aptGet('echo broken pipe >&2; exit 100') });
  await expect(installServerPackages(['redis'], quiet, failing)).rejects.toMatchObject({
    code: 'PROVISION_INSTALL_FAILED',
    message: saying('broken pipe'),
  });
  expect(fs.readFileSync(calls, 'utf8')).toContain('policy 101');
  expect(fs.readFileSync(policyFile, 'utf8')).toBe('#!/bin/sh\nexit 42\n');
  expect(fs.statSync(policyFile).mode & 0o777).toBe(0o744);
});

const MODULE = fileURLToPath(new URL('./policy_rc.ts', import.meta.url));

/** Holds the policy in another process until that is ended by the signal. */
async function holdPolicyUntil(signal: NodeJS.Signals): Promise<void> {
  const wait =
    'const alive = setInterval(() => {}, 1000); signal.onabort = () => { clearInterval(alive); resolve(); };';
  const work = `(signal) => { console.log('held'); return new Promise((resolve) => { ${wait} }); }`;
  const script = [
    `const { withoutServiceStarts } = await import(${JSON.stringify(MODULE)});`,
    `await withoutServiceStarts(${JSON.stringify(policyFile)}, ${work});`,
  ].join('\n');
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(fs.readFileSync(policyFile, 'utf8')).toContain('exit 101');
  child.kill(signal);
  const [, endedBy] = (await once(child, 'exit')) as unknown[];
  expect(endedBy).toBe(signal);
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s in the middle puts the policy back', async (signal) => {
  fs.writeFileSync(policyFile, 'mine', { mode: 0o755 });
  await holdPolicyUntil(signal);
  expect(fs.readFileSync(policyFile, 'utf8')).toBe('mine');
  expect(fs.readdirSync(dir)).toEqual(['policy-rc.d']);
});

test('After SIGKILL the next run puts back what was there before the first', async () => {
  await holdPolicyUntil('SIGKILL');
  await installServerPackages(['redis'], quiet, system());
  expect(fs.readdirSync(dir).toSorted()).toEqual(['apt-get', 'calls']);
});

test('A signal also ends the installation under way', async () => {
  const began = performance.now();
  const controller = new AbortController();
  const running = runCommand(['/bin/sleep', '60'], { signal: controller.signal });
  controller.abort();
  expect((await running).code).not.toBe(0);
  expect(performance.now() - began).toBeLessThan(5000);
});

test('Only what began to listen during the installation is stopped', async () => {
  const start = (name: string): Promise<ProcessIdentity> =>
    startServerProcess({ command: ['/bin/sleep', '60'], cwd: dir, logFile: path.join(dir, `${name}.log`) });
  const [old, fresh] = await Promise.all([start('old'), start('fresh')]);
  const answers = [[old], [old, fresh]];
  await installServerPackages(['rabbitmq'], quiet, system({ listeners: () => answers.shift() ?? [] }));
  expect([isRunning(old), isRunning(fresh)]).toEqual([true, false]);
  await stopProcess(old, { graceMs: 1000 });
});
