import type { Delivery } from '@warren/rabbit';
import { beforeEach, describe, expect, test } from 'vitest';
import { KeyLines } from './key_lines.ts';
import type { KeyedEntry } from './keyed_delivery.ts';

let lines: KeyLines;

beforeEach(() => {
  lines = new KeyLines();
});

type TestEntry = KeyedEntry & { readonly raw: Delivery & { lost: boolean } };

function entry(key: string, leaving = false): TestEntry {
  const raw = { lost: false } as Delivery & { lost: boolean };
  const partition = { leaving, out: 0, onEmpty: undefined };
  const made = { raw, key, partition, queue: 'q', attempt: undefined, busy: 0, out: false };
  lines.add(made);
  return made;
}

const any = (): boolean => true;

describe('lines of keys', () => {
  test('give out the first of each key only, keys in the order of their arrival', () => {
    const [a1, b1, a2] = [entry('a'), entry('b'), entry('a')];
    expect(lines.take(any)).toBe(a1);
    expect(lines.take(any)).toBe(b1);
    expect(lines.take(any)).toBeUndefined();
    lines.leave(a1);
    expect(lines.take(any)).toBe(a2);
  });

  test('give out again what came back, before its successors', () => {
    const [a1, a2] = [entry('a'), entry('a')];
    lines.take(any);
    lines.back(a1);
    expect(lines.take(any)).toBe(a1);
    lines.leave(a1);
    expect(lines.take(any)).toBe(a2);
    lines.leave(a2);
    expect(lines.size).toBe(0);
  });

  test('pass over what may not run, and keep it', () => {
    const [a, b] = [entry('a', true), entry('b')];
    expect(lines.take(({ partition }) => !partition.leaving)).toBe(b);
    expect(lines.take(any)).toBe(a);
  });

  test('forget messages whose channel is lost: the next delivery of each comes after them', () => {
    const old = [entry('a'), entry('a'), entry('b')];
    for (const { raw } of old) raw.lost = true;
    const again = [entry('a'), entry('a'), entry('b')];
    expect([lines.take(any), lines.take(any), lines.take(any)]).toEqual([again[0], again[2], undefined]);
  });

  test('keep the turn of a message whose channel is lost while it is worked on', () => {
    const old = entry('a');
    expect(lines.take(any)).toBe(old);
    old.raw.lost = true;
    const again = entry('a');
    expect(lines.take(any)).toBeUndefined();
    lines.leave(old);
    expect(lines.take(any)).toBe(again);
  });
});
