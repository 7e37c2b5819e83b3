import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { headersSchema, MESSAGE_HEADERS } from '../src/asyncapi/message_headers.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
/** Names that begin like a header and are none. */
const OTHERS = ['warren-device-nonce', 'warren-gateway', 'warren-server'];

test('the headers of the documents are exactly those that the sources write and read', () => {
  const files = fs.globSync('libs/{rabbit,command-center,session}/src/**/*.ts', { cwd: ROOT });
  expect(files.length).toBeGreaterThan(40);
  const found = files.flatMap((file) => [
    ...fs.readFileSync(path.join(ROOT, file), 'utf8').matchAll(/'(warren-[a-z-]+|traceparent)'/g),
  ]);
  const written = new Set(found.map(([, name = '']) => name).filter((name) => !OTHERS.includes(name)));
  expect(MESSAGE_HEADERS.map(({ name }) => name).sort()).toEqual([...written].sort());
});

test('the table of the documents for people names every header', () => {
  const table = fs.readFileSync(path.join(ROOT, 'docs', 'messaging.md'), 'utf8');
  for (const { name } of MESSAGE_HEADERS) expect(table).toContain(`\`${name}\``);
});

test('a dead letter says why, a request until when', () => {
  expect(headersSchema('dead')['required']).toEqual(
    expect.arrayContaining(['warren-reason', 'warren-source-queue', 'warren-error-code']),
  );
  expect(headersSchema('request')).toMatchObject({ required: ['warren-deadline'] });
  expect(headersSchema('work')).not.toHaveProperty('properties.warren-deadline');
});
