import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPO } from '../e2e/support/app_process.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';
import { differenceOf, readTranscript, runTranscript } from './support/transcript.ts';

let system: WarrenSystem;

beforeAll(async () => {
  system = await WarrenSystem.start();
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toEqual([]);
}, 60_000);

/** Runs the transcript of a document against the system; fails with the first line that is not as written. */
async function replay(document: string): Promise<string[]> {
  const steps = readTranscript(fs.readFileSync(path.join(REPO, document), 'utf8'));
  expect(steps.length).toBeGreaterThan(0);
  const [API = ''] = system.gatewayUrls;
  const outputs = await runTranscript(steps, { API, SERVER_KEY: system.serverKey });
  for (const [index, step] of steps.entries()) expect(differenceOf(step, outputs[index] ?? '')).toBeUndefined();
  return outputs;
}

test('the transcript of the README prints what it says, and a repeated key gives the same account', {
  timeout: 90_000,
}, async () => {
  const [, first, repeated] = await replay('README.md');
  expect(first).toContain('account_id');
  expect(repeated).toBe(first);
});

test('a game server can be played by hand with the calls of its protocol document', { timeout: 90_000 }, async () => {
  await replay('docs/game_server_protocol.md');
});
