import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as z from 'zod';
import { AppError } from './app_error.ts';
import { type Environment, flag, integer, key32, readSettings, secret } from './settings.ts';

const Schema = z.object({
  PORT: integer(1, 65_535).default(8_080),
  TOKEN: secret(),
  KEY: key32(),
  FAST: flag().default(false),
});
const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const good: Environment = { TOKEN: 'k9-Lq2vT7-xW4mZ8', KEY };
const folder = mkdtempSync(path.join(tmpdir(), 'warren-settings-'));

afterAll(() => rmSync(folder, { recursive: true }));

const read = (env: Environment): z.output<typeof Schema> => readSettings(Schema, { prefix: 'SHOP', env });

function complaint(env: Environment): string {
  try {
    read(env);
  } catch (error) {
    if (error instanceof AppError && error.code === 'SETTINGS_INVALID') return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

test('settings take their defaults and their types', () => {
  expect(read(good)).toMatchObject({ PORT: 8_080, FAST: false });
  expect(read({ ...good, PORT: '99', FAST: 'yes' })).toMatchObject({ PORT: 99, FAST: true });
});

test('the name with the prefix of the service wins over the shared one', () => {
  expect(read({ ...good, PORT: '1', SHOP_PORT: '2' }).PORT).toBe(2);
});

test('a value may come from a file, and an empty value counts as absent', () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, 'from-a-file-1234567890\n');
  expect(read({ ...good, TOKEN: '', TOKEN_FILE: file }).TOKEN).toBe('from-a-file-1234567890');
  expect(complaint({ ...good, TOKEN: '', SHOP_TOKEN_FILE: path.join(folder, 'absent') })).toContain(
    'SHOP_TOKEN_FILE names a file',
  );
});

test('every problem is listed at once, by variable and never by value', () => {
  const message = complaint({ PORT: 'abc', TOKEN: 'hunter2' });
  expect(message).toContain('PORT');
  expect(message).toContain('TOKEN: must have at least 16 characters');
  expect(message).toContain('KEY is missing');
  expect(message).not.toContain('hunter2');
});

test.each(['replace-me-with-a-secret', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'changeme', '12341234123412341234'])(
  'the secret %s is refused',
  (value) => {
    expect(complaint({ ...good, TOKEN: value })).toContain('TOKEN');
  },
);

test.each(['', 'short', Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(31).toString('base64')])(
  'the key "%s" is refused',
  (value) => {
    expect(complaint({ ...good, KEY: value })).toContain('KEY');
  },
);
