import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withStartLock } from './start_lock.ts';

let dir: string;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-lock-'));
});

afterEach(() => fs.rmSync(dir, { recursive: true }));

test('While one start is under way another is refused, afterwards it is not', async () => {
  await withStartLock(dir, async () => {
    await expect(withStartLock(dir, () => Promise.resolve(1))).rejects.toMatchObject({
      code: 'PROVISION_DATA_DIR_BUSY',
    });
  });
  expect(await withStartLock(dir, () => Promise.resolve(2))).toBe(2);
});

test('A failed start gives the lock back', async () => {
  await expect(withStartLock(dir, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withStartLock(dir, () => Promise.resolve(3))).toBe(3);
});

test.each(['', '{"pid":1,"startTime":"never"}', 'garbage'])('A lock left behind (%j) is broken', async (content) => {
  fs.writeFileSync(path.join(dir, 'start.lock'), content);
  expect(await withStartLock(dir, () => Promise.resolve(4))).toBe(4);
});
