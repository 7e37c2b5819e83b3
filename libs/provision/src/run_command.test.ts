import { expect, test } from 'vitest';
import { runCommand } from './run_command.ts';

const sh = (script: string): string[] => ['/bin/sh', '-c', script];

test('Output, input and exit code of a program come back', async () => {
  const lines: string[] = [];
  const result = await runCommand(sh('cat; echo two; echo err >&2; exit 3'), {
    stdin: 'one\n',
    onLine: (line) => lines.push(line),
  });
  expect(result).toEqual({ code: 3, stdout: 'one\ntwo\n', stderr: 'err\n' });
  expect(lines.toSorted()).toEqual(['err', 'one', 'two']);
});

test('A program that does not exist is code 127, one that may not be run 126, one that hangs 124', async () => {
  expect((await runCommand(['/no/such/program'])).code).toBe(127);
  expect((await runCommand(['/etc/passwd'])).code).toBe(126);
  expect((await runCommand(sh('exec sleep 30'), { timeoutMs: 100 })).code).toBe(124);
});

test('Nothing of the environment is inherited but what is given', async () => {
  const { stdout } = await runCommand(['/usr/bin/env'], { env: { GIVEN: 'yes' } });
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0])
    .toSorted((a, b) => (a ?? '').localeCompare(b ?? ''));
  expect(names).toEqual(['GIVEN', 'HOME', 'LANG', 'LC_ALL', 'PATH']);
});

test('A program that does not read its input is no failure', async () => {
  expect((await runCommand(['/bin/true'], { stdin: 'x'.repeat(1_000_000) })).code).toBe(0);
});
