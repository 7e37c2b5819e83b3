import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { addToEnvFile, mergeEnvText } from './env_file.ts';

const values = new Map([
  ['A_PASSWORD', 'new-a'],
  ['B_KEY', 'new$&b=='],
]);

test.each([
  ['an empty file', '', '# Generated\nA_PASSWORD=new-a\nB_KEY=new$&b==\n'],
  ['a value that is there', 'A_PASSWORD=mine\n', 'A_PASSWORD=mine\n\n# Generated\nB_KEY=new$&b==\n'],
  ['a missing line end', 'A_PASSWORD=mine', 'A_PASSWORD=mine\n\n# Generated\nB_KEY=new$&b==\n'],
  ['an empty value', '# note\nB_KEY=\nA_PASSWORD=x # why\n', '# note\nB_KEY=new$&b==\nA_PASSWORD=x # why\n'],
  ['a placeholder', 'A_PASSWORD=replace-me\nexport B_KEY="k"\n', 'A_PASSWORD=new-a\nexport B_KEY="k"\n'],
  ['a commented line', '#A_PASSWORD=x\nB_KEY=k\n', '#A_PASSWORD=x\nB_KEY=k\n\n# Generated\nA_PASSWORD=new-a\n'],
  ['everything there', 'A_PASSWORD=1\nB_KEY=2\n# end', 'A_PASSWORD=1\nB_KEY=2\n# end'],
])('Merging settings into %s keeps what a person wrote', (_case, before, after) => {
  expect(mergeEnvText(before, values, 'Generated')).toBe(after);
});

test('A settings file gets mode 0600, and a second run changes nothing', () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'warren-env-')), '.env');
  fs.writeFileSync(file, 'A_PASSWORD=mine\n', { mode: 0o644 });
  expect(addToEnvFile(file, values, 'Generated')).toEqual(['B_KEY']);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  const first = fs.readFileSync(file, 'utf8');
  expect(addToEnvFile(file, new Map([['B_KEY', 'other']]), 'Generated')).toEqual([]);
  expect(fs.readFileSync(file, 'utf8')).toBe(first);
  fs.rmSync(path.dirname(file), { recursive: true });
});
