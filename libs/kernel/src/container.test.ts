import { expect, test } from 'vitest';
import { Container, token } from './container.ts';

const NUMBER = token<{ value: number }>('test.number');

test('a container builds each thing once, on first use', () => {
  let built = 0;
  const container = new Container().register(NUMBER, () => ({ value: ++built }));
  expect(built).toBe(0);
  expect(container.resolve(NUMBER)).toBe(container.resolve(NUMBER));
  expect(built).toBe(1);
});

test('a factory may resolve what it needs from the same container', () => {
  const TEXT = token<string>('test.text');
  const container = new Container()
    .value(NUMBER, { value: 7 })
    .register(TEXT, (inner) => `n=${inner.resolve(NUMBER).value}`);
  expect(container.resolve(TEXT)).toBe('n=7');
});

test('two factories for one token are refused by name', () => {
  const container = new Container().value(NUMBER, { value: 1 });
  expect(() => container.value(NUMBER, { value: 2 })).toThrow('already has a factory for "test.number"');
});

test('a token without a factory is refused with a sentence that says what to add', () => {
  expect(() => new Container().resolve(NUMBER)).toThrow(
    'nothing is registered for "test.number": add container.register',
  );
});

test('two containers share nothing', () => {
  new Container().value(NUMBER, { value: 1 });
  expect(new Container().has(NUMBER)).toBe(false);
});
