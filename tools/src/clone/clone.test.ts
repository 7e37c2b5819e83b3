import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cloneId } from './clone.ts';

let place = '';
beforeEach(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'warren clone '));
});
afterEach(() => fs.rmSync(place, { recursive: true, force: true }));

test('A clone keeps its id', () => {
  const first = cloneId(path.join(place, 'a'));
  expect(first).toMatch(/^w[0-9a-f]{8}$/);
  expect(cloneId(path.join(place, 'a'))).toBe(first);
});

test('Two clones have different ids', () => {
  expect(cloneId(path.join(place, 'a'))).not.toBe(cloneId(path.join(place, 'b')));
});

test('A copy gets an id of its own and forgets what the original runs; the original keeps its id', () => {
  const original = cloneId(path.join(place, 'a'));
  fs.writeFileSync(path.join(place, 'a', 'state', 'servers.json'), '{}');
  fs.cpSync(path.join(place, 'a'), path.join(place, 'b'), { recursive: true });
  const copy = cloneId(path.join(place, 'b'));
  expect(copy).not.toBe(original);
  expect(fs.existsSync(path.join(place, 'b', 'state', 'servers.json'))).toBe(false);
  expect(cloneId(path.join(place, 'a'))).toBe(original);
  expect(cloneId(path.join(place, 'b'))).toBe(copy);
});

test('A moved clone keeps its id', () => {
  const before = cloneId(path.join(place, 'a'));
  fs.renameSync(path.join(place, 'a'), path.join(place, 'moved'));
  expect(cloneId(path.join(place, 'moved'))).toBe(before);
});

test('A damaged record is replaced', () => {
  const before = cloneId(path.join(place, 'a'));
  fs.writeFileSync(path.join(place, 'a', 'state', 'clone.json'), '{"id":"../x"}');
  expect(cloneId(path.join(place, 'a'))).not.toBe(before);
});
