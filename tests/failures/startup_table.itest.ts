import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '@warren/provision';
import { SERVICES } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { AppProcess } from '../e2e/support/app_process.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';
import { type BrokenPlaces, breakPlaces } from './support/broken_places.ts';
import { type Change, STARTUP_ROWS, type StartupRow } from './support/startup_rows.ts';

/** Of a service that waits for a server that never comes. */
const BOOT_TIMEOUT_MS = 3_000;
/** From its first log line to its end. */
const GIVES_UP_WITHIN_MS = BOOT_TIMEOUT_MS + 7_000;
/** From the command to the end. Starting Node and reading the code takes seconds where many processes share few cores. */
const END_WITHIN_MS = 60_000;
const POLL_MS = 50;
/** Words this short occur by themselves. */
const MIN_SECRET_CHARS = 10;

let system: WarrenSystem;
let places: BrokenPlaces;
/** Compiled code of all starts: most of what a start costs is the same every time. */
let codeCache: string;
const report: string[] = [];

beforeAll(async () => {
  codeCache = await mkdtemp(path.join(os.tmpdir(), 'warren-startup-'));
  [system, places] = await Promise.all([WarrenSystem.prepare(), breakPlaces()]);
}, 120_000);

afterAll(async () => {
  process.stdout.write(`${report.sort().join('\n')}\n`);
  await Promise.all([system.stop(), places.destroy(), rm(codeCache, { recursive: true, force: true })]);
}, 60_000);

const ReadyReport = z.object({ missing: z.record(z.string(), z.string()) });

/** The reason that /readyz gives for a dependency; undefined when it never gives one. */
async function reasonOf(app: AppProcess, adminPort: number, dependency: string): Promise<string | undefined> {
  while (app.running) {
    const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    const body: unknown = response === undefined ? {} : await response.json().catch(() => ({}));
    const report = ReadyReport.safeParse(body);
    const reason = report.data?.missing[dependency];
    if (response?.status === 503 && reason !== undefined) return reason;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return undefined;
}

function launch({ role }: StartupRow, change: Change, adminPort: number): AppProcess {
  const service = SERVICES.find(({ prefix }) => prefix === role);
  const changed = {
    ...system.envOf(role),
    BOOT_TIMEOUT_MS: String(BOOT_TIMEOUT_MS),
    ADMIN_PORT: String(adminPort),
    NODE_COMPILE_CACHE: codeCache,
    ...change,
  };
  const env = Object.fromEntries(
    Object.entries(changed).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return new AppProcess({
    name: role,
    script: `apps/${service?.app}/src/main.ts`,
    env,
    ready: ({ msg }) => msg === 'ready',
  });
}

/** Every value that must never be seen: passwords of URLs, and what is called a key. */
function secretsOf(env: Change): string[] {
  const found = Object.entries(env).flatMap(([name, value = '']) => {
    if (name.endsWith('_KEY')) return [value];
    return URL.canParse(value) ? [decodeURIComponent(new URL(value).password)] : [/:([^:@]+)@/.exec(value)?.[1] ?? ''];
  });
  return found.filter((secret) => secret.length >= MIN_SECRET_CHARS);
}

test.concurrent.for(STARTUP_ROWS)('$role does not start with: $what', { timeout: END_WITHIN_MS * 2 }, async (row) => {
  const adminPort = await freePort();
  const change = row.change(places, system);
  const app = launch(row, change, adminPort);
  const { notReady } = row;
  const reason = notReady === undefined ? 'no wait' : await reasonOf(app, adminPort, notReady);
  await app.ended(END_WITHIN_MS);
  const tookMs = performance.now() - app.startedAt;
  const [firstLine] = app.lines;
  const ownMs = firstLine === undefined ? 0 : Date.now() - Date.parse(String(firstLine['time']));
  const line = app.stderr.trimEnd();
  report.push(
    `${row.role.padEnd(11)} ${row.what.padEnd(48)} exit ${app.exitCode}, ${(tookMs / 1_000).toFixed(1)} s, own ${(ownMs / 1_000).toFixed(1)} s: ${line}`,
  );
  expect(app.exitCode, line).toBe(1);
  expect(reason, 'the reason on /readyz').toBeTypeOf('string');
  expect(line.split('\n'), 'lines on standard error').toHaveLength(1);
  expect(line.startsWith(`${row.role}: `), line).toBe(true);
  for (const words of row.says) expect(line).toMatch(words);
  expect(line).not.toMatch(/ at .*[:(]\d+|file:\/\/|node_modules/);
  expect(tookMs).toBeLessThan(END_WITHIN_MS);
  expect(ownMs, 'milliseconds since its first log line').toBeLessThan(GIVES_UP_WITHIN_MS);
  const everything = `${app.stderr} ${JSON.stringify(app.lines)} ${reason}`;
  for (const secret of secretsOf({ ...system.envOf(row.role), ...change })) expect(everything).not.toContain(secret);
});

test('the table has a row for everything that commonly is wrong', () => {
  expect(STARTUP_ROWS.length).toBeGreaterThanOrEqual(35);
  expect(new Set(STARTUP_ROWS.map(({ role }) => role)).size).toBe(4);
});
