import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { REPO } from '@warren/harness';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';

const SEED = '7';
const RUN_TIMEOUT_MS = 600_000;
/** Lines of the lab that say why it could not come to a verdict. */
const LAST_LINES = 15;

const Report = z.object({
  violations: z.array(z.object({ invariant: z.string(), message: z.string() })),
  sightings: z.record(z.string(), z.number()),
  figures: z.record(z.string(), z.union([z.number(), z.string()])),
});

let folder: string;
let report: z.output<typeof Report>;
let lines: string[];

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'faultlab-'));
  const lab = path.join(REPO, 'tools', 'faultlab', 'main.ts');
  const args = [lab, '--profile', 'short', '--seed', SEED, '--out', folder];
  const child = spawn(process.execPath, args, { cwd: REPO, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  await new Promise((resolve) => child.once('close', resolve));
  lines = output.trimEnd().split('\n');
  const file = path.join(folder, 'report.json');
  if (!fs.existsSync(file)) throw new Error(`the lab came to no verdict: ${lines.slice(-LAST_LINES).join('\n')}`);
  report = Report.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
}, RUN_TIMEOUT_MS);

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('no promise is broken while broker, stores, network and processes fail under load', () => {
  expect(report.violations).toEqual([]);
});

test('the run met what it is for: kills, redeliveries, unknown outcomes, repeated keys', () => {
  expect(report.figures['faults']).toBeGreaterThanOrEqual(10);
  expect(report.figures['kills of broker or Postgres']).toBeGreaterThanOrEqual(2);
  expect(report.figures['commands']).toBeGreaterThan(500);
  expect(report.sightings['same key answered twice']).toBeGreaterThan(10);
});

test('the lab says which seed made the run and how to make it again', () => {
  expect(lines.at(-1)).toMatch(new RegExp(`SEED=${SEED} PROFILE=short: .*--replay `));
  const recorded: unknown = JSON.parse(fs.readFileSync(path.join(folder, 'timeline.json'), 'utf8'));
  expect(recorded).toMatchObject({ seed: Number(SEED), profile: 'short' });
});
