import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as z from 'zod';
import { say } from '../e2e/support/say.ts';

/** Its timeline has every kind of fault of the profile. */
const SEED = '1';
const TEST_TIMEOUT_MS = 300_000;
const LAB = path.resolve(import.meta.dirname, '../../tools/faultlab/main.ts');

const Report = z.object({
  violations: z.array(z.unknown()),
  figures: z.object({ faults: z.number(), 'commands acknowledged': z.number() }),
});

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'faultlab-'));
const lab = spawn(process.execPath, [LAB, '--profile', 'short', '--seed', SEED, '--out', folder], { stdio: 'pipe' });

afterAll(() => {
  lab.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('in a minute of faults of every kind nothing is lost, doubled, invented or leaked', {
  timeout: TEST_TIMEOUT_MS,
  retry: 0,
}, async () => {
  let output = '';
  for (const stream of [lab.stdout, lab.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => lab.once('close', resolve));
  if (code !== 0) say(output);
  const { violations, figures } = Report.parse(JSON.parse(fs.readFileSync(path.join(folder, 'report.json'), 'utf8')));
  expect(violations).toEqual([]);
  expect(code).toBe(0);
  expect(figures['commands acknowledged']).toBeGreaterThan(200);
  say(`fault lab, seed ${SEED}: ${figures.faults} faults, ${figures['commands acknowledged']} commands acknowledged`);
});
