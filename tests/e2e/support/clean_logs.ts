import { expect } from 'vitest';
import type { AppProcess } from './app_process.ts';
import type { WarrenSystem } from './warren_system.ts';

const FATAL_LEVEL = 60;
/** A shorter one would be found by chance. */
const MIN_SECRET_LENGTH = 8;
const LAST_LINES = 12;

/**
 * Every line of every process of the run is JSON, none is fatal or speaks of something unhandled, and none of the secrets
 * is in any of them.
 */
export function assertCleanLogs(system: WarrenSystem, secrets: readonly string[]): void {
  const all = [...new Set([...secrets, ...system.secrets])];
  expect(all.filter((secret) => secret.length < MIN_SECRET_LENGTH)).toEqual([]);
  expect(system.processes.flatMap((process) => faultsOf(process, all))).toEqual([]);
}

function faultsOf(process: AppProcess, secrets: readonly string[]): string[] {
  const { name, lines, garbled, output, stderr } = process;
  const fatal = lines
    .filter(({ level }) => level === 'fatal' || level === FATAL_LEVEL)
    .map((line) => JSON.stringify(line));
  const unhandled = output.split('\n').filter((line) => /unhandled/i.test(line));
  const leaks = secrets.filter((secret) => output.includes(secret)).map((secret) => lineWith(output, secret));
  return [
    ...garbled.map((line) => `${name} wrote no JSON: ${line}`),
    ...(stderr === '' ? [] : [`${name} wrote to standard error: ${stderr} after ${endOf(process)}`]),
    ...fatal.map((line) => `${name} fatal: ${line}`),
    ...unhandled.map((line) => `${name} unhandled: ${line}`),
    ...leaks.map((line) => `${name} wrote a secret: ${line}`),
  ];
}

/** What it did last. */
const endOf = ({ lines }: AppProcess): string =>
  JSON.stringify(lines.slice(-LAST_LINES).map(({ time, msg, step, ms }) => ({ time, msg, step, ms })));

const lineWith = (output: string, secret: string): string =>
  output.split('\n').find((line) => line.includes(secret)) ?? '';
