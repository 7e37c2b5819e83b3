import { expect, test } from 'vitest';
import { AppError, errorFactory, toAppError } from './app_error.ts';

const raise = errorFactory({
  SHOP_SOLD_OUT: { kind: 'conflict', message: 'Sold out.', retryable: false },
  SHOP_BUSY: { kind: 'unavailable', message: 'Busy.', retryable: true },
});

test('an error of a table has the code, kind, status and retryability of its line', () => {
  expect(raise('SHOP_BUSY', { retryAfterSeconds: 2 })).toMatchObject({
    code: 'SHOP_BUSY',
    status: 503,
    retryable: true,
    retryAfterSeconds: 2,
    message: 'Busy.',
  });
  expect(raise('SHOP_SOLD_OUT', { message: 'The hat is sold out.' })).toMatchObject({
    status: 409,
    retryable: false,
    message: 'The hat is sold out.',
  });
});

test('an AppError passes the door for unknown throwables unchanged', () => {
  const error = raise('SHOP_BUSY');
  expect(toAppError(error)).toBe(error);
});

test.each([[new Error('secret detail')], ['a string'], [undefined], [null], [{ code: 'X' }]])(
  'anything else becomes SERVICE_INTERNAL that keeps its cause and tells nothing of it: %s',
  (cause) => {
    const error = toAppError(cause);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'SERVICE_INTERNAL', status: 500, retryable: false });
    expect(error.cause).toBe(cause);
    expect(error.message).not.toContain('secret');
  },
);
