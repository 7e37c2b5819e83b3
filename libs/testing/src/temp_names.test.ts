import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isLeftover, isOwnName, tempName } from './temp_names.ts';

const MODULE = fileURLToPath(new URL('./temp_names.ts', import.meta.url));

/** A process that prints a name and lives until its input ends. */
async function otherProcess(): Promise<{ name: string; end: () => Promise<void> }> {
  const load = `const { tempName } = await import(${JSON.stringify(MODULE)});`;
  const script = `${load} console.log(tempName()); process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [output] = (await once(child.stdout, 'data')) as unknown[];
  const end = async (): Promise<void> => {
    child.stdin.end();
    await once(child, 'exit');
  };
  return { name: String(output).trim(), end };
}

test('A name fits everywhere and tells its owner', () => {
  const name = tempName();
  expect(name).toMatch(/^warren_test_\w+$/);
  expect(name.length).toBeLessThanOrEqual(63);
  expect([isOwnName(name), isLeftover(name)]).toEqual([true, false]);
});

test('A name becomes a leftover when its process ends', async () => {
  const other = await otherProcess();
  expect([isOwnName(other.name), isLeftover(other.name)]).toEqual([false, false]);
  await other.end();
  expect([isLeftover(other.name), isLeftover(`${other.name}-auth`)]).toEqual([true, true]);
});

test('A name whose process number went to another process is a leftover', () => {
  const stranger = tempName().replace(/_(\d+)_(\w+)_/, `_${process.pid}_1_`);
  expect(isLeftover(stranger)).toBe(true);
});

test('Names of other machines and names of nobody are left alone', () => {
  expect(isLeftover('warren_test_ffffff_1_2_abcd')).toBe(false);
  expect(isLeftover('warren_test')).toBe(false);
  expect(isLeftover('production')).toBe(false);
});
