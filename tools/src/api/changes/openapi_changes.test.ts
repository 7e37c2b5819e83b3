import { openApiOf } from '@warren/api-docs';
import { type Contract, CREATE_TICKET, defineContract, GET_TICKET, LOGIN, REGISTER } from '@warren/contracts';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { recordOf } from '../json_document.ts';
import { openApiChanges } from './openapi_changes.ts';

const BASE = defineContract({
  name: 'shop.buy_hat',
  summary: 'Buys a hat.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'POST', path: '/v1/hats/{hat_id}', status: 200 },
  dto: z.object({ hat_id: z.string(), color: z.enum(['red', 'blue']), note: z.string().max(64).optional() }),
  reply: z.object({ price: z.int(), color: z.string() }),
  errors: { SHOP_HAT_GONE: { kind: 'gone', message: 'Gone.', retryable: false } },
  idempotency: 'inbox',
});
const variant = (more: Partial<Contract>): Contract => ({ ...BASE, ...more });
const documentOf = (contracts: readonly Contract[], version = '1') =>
  recordOf(openApiOf({ title: 'T', version, description: 'D' }, contracts, []));
const changes = (after: readonly Contract[]): string[] =>
  openApiChanges(documentOf([BASE]), documentOf(after)).map(({ what }) => what);

test.for<readonly [what: string, after: readonly Contract[], found: readonly string[]]>([
  ['a command that is gone', [], ['shop.buy_hat: POST /v1/hats/{hat_id} is gone, removed or renamed']],
  [
    'a command of another name',
    [variant({ name: 'shop.get_hat' })],
    ['shop.buy_hat: the operation of POST /v1/hats/{hat_id} is called shop_get_hat, it was shop_buy_hat'],
  ],
  [
    'a route at another address',
    [variant({ http: { method: 'POST', path: '/v1/caps/{hat_id}', status: 200 } })],
    ['shop.buy_hat: POST /v1/hats/{hat_id} is gone, removed or renamed'],
  ],
  [
    'a command that is internal now',
    [variant({ exposure: 'internal' })],
    ['shop.buy_hat: POST /v1/hats/{hat_id} is gone, removed or renamed'],
  ],
  [
    'another status',
    [variant({ http: { method: 'POST', path: '/v1/hats/{hat_id}', status: 201 } })],
    ['shop.buy_hat: POST /v1/hats/{hat_id} answers no 200 any more'],
  ],
  [
    'a new required field',
    [variant({ dto: BASE.dto.extend({ size: z.int() }) })],
    ['shop.buy_hat: field "size" is required now in the request'],
  ],
  [
    'fewer values',
    [variant({ dto: BASE.dto.extend({ color: z.enum(['red']) }) })],
    ['shop.buy_hat: field "color" takes no "blue" any more in the request'],
  ],
  [
    'a shorter text',
    [variant({ dto: BASE.dto.extend({ note: z.string().max(32).optional() }) })],
    ['shop.buy_hat: field "note" is narrower: maxLength 32, it was 64 in the request'],
  ],
  [
    'a field that is not taken any more',
    [variant({ dto: BASE.dto.omit({ note: true }) })],
    ['shop.buy_hat: field "note" is refused now in the request'],
  ],
  [
    'a narrower parameter of the path',
    [variant({ dto: BASE.dto.extend({ hat_id: z.string().max(8) }) })],
    ['shop.buy_hat: path parameter "hat_id": the whole is narrower: maxLength 8, it was none'],
  ],
  [
    'a field of the reply that is gone',
    [variant({ reply: z.object({ price: z.int() }) })],
    ['shop.buy_hat: field "color" is gone in the reply'],
  ],
  [
    'a field of the reply of another type',
    [variant({ reply: z.object({ price: z.string(), color: z.string() }) })],
    ['shop.buy_hat: field "price" may be string, it was integer in the reply'],
  ],
  ['an error that is gone', [variant({ errors: {} })], ['POST /v1/hats/{hat_id}: the error SHOP_HAT_GONE is gone']],
  [
    'an error of another kind',
    [variant({ errors: { SHOP_HAT_GONE: { kind: 'conflict', message: 'Gone.', retryable: false } } })],
    ['POST /v1/hats/{hat_id}: the error SHOP_HAT_GONE has status 409, it was 410'],
  ],
  [
    'an error that may be retried now',
    [variant({ errors: { SHOP_HAT_GONE: { kind: 'gone', message: 'Gone.', retryable: true } } })],
    ['POST /v1/hats/{hat_id}: the error SHOP_HAT_GONE is retryable now'],
  ],
  [
    'access for some roles',
    [variant({ access: { kind: 'player', roles: ['vip'] } })],
    ['shop.buy_hat: players may not call POST /v1/hats/{hat_id} any more'],
  ],
  [
    'access for others',
    [variant({ access: { kind: 'server' } })],
    ['shop.buy_hat: players may not call POST /v1/hats/{hat_id} any more'],
  ],
  [
    'a lower rate',
    [variant({ limits: { ...BASE.limits, ratePerMinute: 60 } })],
    ['shop.buy_hat: calls a minute 60, it was 120'],
  ],
  [
    'a smaller body',
    [variant({ limits: { ...BASE.limits, maxBytes: 1024 } })],
    ['shop.buy_hat: bytes of a body 1024, it was 16384'],
  ],
])('%s breaks clients', ([, after, found]) => {
  expect(changes(after)).toEqual(found);
});

test('a key that is not asked for any more is two changes: the header and what it did', () => {
  expect(changes([variant({ idempotency: 'natural' })])).toEqual([
    'shop.buy_hat: header parameter "Idempotency-Key" is gone',
    'shop.buy_hat: idempotency is natural, it was inbox',
  ]);
});

test('a key that is asked for from now on breaks those who send none', () => {
  const before = documentOf([variant({ idempotency: 'natural' })]);
  expect(openApiChanges(before, documentOf([BASE])).map(({ what }) => what)).toEqual([
    'shop.buy_hat: header parameter "Idempotency-Key" is required now',
  ]);
});

test.for<readonly [what: string, after: readonly Contract[]]>([
  ['nothing', [BASE]],
  ['a new command', [BASE, CREATE_TICKET]],
  ['a new field that may be left out', [variant({ dto: BASE.dto.extend({ size: z.int().optional() }) })]],
  ['a new field with a default', [variant({ dto: BASE.dto.extend({ size: z.int().default(3) }) })]],
  ['more values', [variant({ dto: BASE.dto.extend({ color: z.enum(['red', 'blue', 'green']) }) })]],
  ['a longer text', [variant({ dto: BASE.dto.extend({ note: z.string().max(65).optional() }) })]],
  ['a new field of the reply', [variant({ reply: z.object({ price: z.int(), color: z.string(), size: z.int() }) })]],
  [
    'a new error',
    [variant({ errors: { ...BASE.errors, SHOP_CLOSED: { kind: 'conflict', message: 'Closed.', retryable: true } } })],
  ],
  ['a higher rate and a larger body', [variant({ limits: { maxBytes: 32_768, ratePerMinute: 240 } })]],
  ['another summary and deadline', [variant({ summary: 'Sells a hat.', deadlineMs: 9_000 })]],
  ['a higher version', [variant({ version: 2 })]],
])('%s breaks nobody', ([, after]) => {
  expect(changes(after)).toEqual([]);
});

test('a command that is open to everybody now breaks only those who send no nonce', () => {
  expect(changes([variant({ access: { kind: 'anonymous' } })])).toEqual([
    'shop.buy_hat: header parameter "Warren-Device-Nonce" is required now',
  ]);
  const [plain, open] = [{ kind: 'player' }, { kind: 'anonymous' }] as const;
  const found = openApiChanges(
    documentOf([variant({ access: plain, idempotency: 'natural' })]),
    documentOf([variant({ access: open, idempotency: 'natural' })]),
  );
  expect(found).toEqual([]);
});

test('an error that is gone from many operations is one change that counts them', () => {
  const all = [REGISTER, LOGIN, GET_TICKET, CREATE_TICKET, BASE];
  const before = documentOf(all);
  const text = JSON.stringify(before).replaceAll('RATE_LIMITED', 'TOO_FAST');
  const found = openApiChanges(before, recordOf(JSON.parse(text)));
  expect(found).toHaveLength(1);
  expect(found[0]?.what).toMatch(/^POST .+, .+ and 2 more: the error RATE_LIMITED is gone$/);
  expect(found[0]?.names).toEqual(['RATE_LIMITED']);
});

test('a version that goes back is refused', () => {
  const found = openApiChanges(documentOf([BASE], '2.1'), documentOf([BASE], '2.0.9'));
  expect(found.map(({ what }) => what)).toEqual(['the HTTP API has version 2.0.9, it had 2.1']);
  expect(openApiChanges(documentOf([BASE], '2.1'), documentOf([BASE], '2.10'))).toEqual([]);
});

test('a change names what a changelog entry has to name, and says whom it breaks', () => {
  const [change] = openApiChanges(
    documentOf([BASE]),
    documentOf([variant({ dto: BASE.dto.extend({ size: z.int() }) })]),
  );
  expect(change).toEqual({
    names: ['shop.buy_hat', 'size'],
    what: 'shop.buy_hat: field "size" is required now in the request',
    breaks: 'clients that call POST /v1/hats/{hat_id} as before: they get 400 REQUEST_INVALID, or another effect',
  });
});
