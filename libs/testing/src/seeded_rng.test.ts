import { expect, test } from 'vitest';
import { SeededRng } from './seeded_rng.ts';

const draw = (rng: SeededRng): number[] => Array.from({ length: 50 }, () => rng.next());

test('The same seed gives the same numbers, another one others', () => {
  expect(draw(new SeededRng(7))).toEqual(draw(new SeededRng(7)));
  expect(draw(new SeededRng(7))).not.toEqual(draw(new SeededRng(8)));
});

test('A fork does not depend on what was drawn before it', () => {
  const rng = new SeededRng(7);
  const early = draw(rng.fork('load'));
  draw(rng);
  expect(draw(rng.fork('load'))).toEqual(early);
  expect(draw(rng.fork('faults'))).not.toEqual(early);
});

test('Numbers stay in their bounds and reach them', () => {
  const rng = new SeededRng(1);
  const numbers = Array.from({ length: 300 }, () => rng.int(3, 6));
  expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual([3, 4, 5, 6]);
  expect(draw(rng).every((value) => value >= 0 && value < 1)).toBe(true);
});

test('A shuffle keeps every item and changes the order', () => {
  const items = Array.from({ length: 20 }, (_, index) => index);
  const shuffled = new SeededRng(5).shuffle(items);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
  expect(() => new SeededRng(5).pick([])).toThrow(RangeError);
});
