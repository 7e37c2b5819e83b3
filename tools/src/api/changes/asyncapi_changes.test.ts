import { asyncApiOf } from '@warren/api-docs';
import { type Contract, defineContract, defineEvent, type EventContract } from '@warren/contracts';
import { type ServiceSpec } from '@warren/rabbit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { recordOf } from '../json_document.ts';
import { asyncApiChanges } from './asyncapi_changes.ts';

const SERVICE = { rpc: false, commands: false, events: {}, calls: [], pushes: false, delivers: false };
const GATEWAY: ServiceSpec = { ...SERVICE, prefix: 'gateway', app: 'gateway', calls: ['shop'], delivers: true };
const SHOP: ServiceSpec = { ...SERVICE, prefix: 'shop', app: 'shop-svc', rpc: true, commands: true, pushes: true };
const BANK: ServiceSpec = {
  ...SERVICE,
  prefix: 'bank',
  app: 'bank-svc',
  calls: ['shop'],
  events: { sales: ['shop.hat_sold'] },
};
const SERVICES = [GATEWAY, SHOP, BANK];

const BUY = defineContract({
  name: 'shop.buy_hat',
  summary: 'Buys a hat.',
  exposure: 'public',
  access: { kind: 'player' },
  ws: 'hat.buy',
  dto: z.object({ color: z.enum(['red', 'blue']), note: z.string().max(64).optional() }),
  reply: z.object({ price: z.int() }),
  errors: { SHOP_HAT_GONE: { kind: 'gone', message: 'Gone.', retryable: false } },
  idempotency: 'inbox',
});
const COUNT = defineContract({
  name: 'shop.count_hats',
  summary: 'Counts.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['bank', 'ops'] },
  ways: ['rpc', 'command'],
  dto: z.object({ color: z.string() }),
  reply: z.object({ count: z.int() }),
  errors: {},
  idempotency: 'natural',
});
const SOLD = defineEvent({ name: 'shop.hat_sold', summary: 'Sold.', payload: z.object({ hat: z.string() }) });
const READY = defineEvent({
  name: 'shop.hat_ready',
  summary: 'Ready.',
  client: 'hat.ready',
  payload: z.object({ hat: z.string(), size: z.int() }),
});

interface World {
  readonly contracts?: readonly Contract[];
  readonly events?: readonly EventContract[];
  readonly services?: readonly ServiceSpec[];
  readonly version?: string;
}

const documentOf = ({ contracts = [BUY, COUNT], events = [SOLD, READY], services = SERVICES, version = '1' }: World) =>
  recordOf(
    JSON.parse(JSON.stringify(asyncApiOf({ title: 'T', version, description: 'D' }, { contracts, events, services }))),
  );
const changes = (after: World): string[] => asyncApiChanges(documentOf({}), documentOf(after)).map(({ what }) => what);
const buy = (more: Partial<Contract>): World => ({ contracts: [{ ...BUY, ...more }, COUNT] });
const count = (more: Partial<Contract>): World => ({ contracts: [BUY, { ...COUNT, ...more }] });
const events = (...all: readonly EventContract[]): World => ({ events: all });

test.for<readonly [what: string, after: World, found: readonly string[]]>([
  [
    'a command that is gone',
    { contracts: [COUNT] },
    [
      'shop.buy_hat: "player asks hat.buy" is gone, removed or renamed',
      'shop.buy_hat: "shop answers shop.buy_hat" is gone, removed or renamed',
    ],
  ],
  [
    'a command of another name',
    { contracts: [BUY, { ...COUNT, name: 'shop.sum_hats' }] },
    [
      'shop.count_hats: "shop works off shop.count_hats" is gone, removed or renamed',
      'shop.count_hats: "shop answers shop.count_hats" is gone, removed or renamed',
    ],
  ],
  [
    'a way that is gone',
    count({ ways: ['rpc'] }),
    ['shop.count_hats: "shop works off shop.count_hats" is gone, removed or renamed'],
  ],
  [
    'another type at the WebSocket',
    buy({ ws: 'hat.get' }),
    ['shop.buy_hat: "player asks hat.buy" is gone, removed or renamed'],
  ],
  [
    'a caller less',
    count({ access: { kind: 'service', callers: ['bank'] } }),
    ['shop.count_hats: ops may not send it any more'],
  ],
  [
    'a new required field',
    count({ dto: COUNT.dto.extend({ size: z.int() }) }),
    [
      'shop.count_hats: field "size" is required now in shop.count_hats.command',
      'shop.count_hats: field "size" is required now in shop.count_hats',
    ],
  ],
  [
    'fewer values, for clients and for services',
    buy({ dto: BUY.dto.extend({ color: z.enum(['red']) }) }),
    [
      'shop.buy_hat: field "payload.color" takes no "blue" any more in request.hat.buy',
      'shop.buy_hat: field "color" takes no "blue" any more in shop.buy_hat',
    ],
  ],
  [
    'a field that is not read any more',
    buy({ dto: BUY.dto.omit({ note: true }) }),
    [
      'shop.buy_hat: field "payload.note" is refused now in request.hat.buy',
      'shop.buy_hat: field "note" is not read any more in shop.buy_hat',
    ],
  ],
  [
    'a field of a reply that is gone',
    count({ reply: z.object({}) }),
    ['shop.count_hats: field "count" is gone in shop.count_hats.reply'],
  ],
  [
    'an error that is gone',
    buy({ errors: {} }),
    ['players.receive.hat.buy, shop.buy_hat: the error SHOP_HAT_GONE is gone'],
  ],
  [
    'a higher version',
    count({ version: 2 }),
    ['shop.count_hats: the message is shop.count_hats@2, it was shop.count_hats@1'],
  ],
  [
    'access for some roles',
    buy({ access: { kind: 'player', roles: ['vip'] } }),
    [
      'shop.buy_hat: "player asks hat.buy" is not for players any more',
      'shop.buy_hat: "shop answers shop.buy_hat" is not for players any more',
    ],
  ],
  [
    'a lower rate',
    buy({ limits: { ...BUY.limits, ratePerMinute: 60 } }),
    ['shop.buy_hat: calls a minute 60, it was 120'],
  ],
  [
    'an event that is gone',
    events(READY),
    ['shop.hat_sold: "shop publishes shop.hat_sold" is gone, removed or renamed'],
  ],
  [
    'a pushed event that is gone',
    events(SOLD),
    [
      'shop.hat_ready: "gateway sends hat.ready" is gone, removed or renamed',
      'shop.hat_ready: "shop pushes hat.ready" is gone, removed or renamed',
    ],
  ],
  [
    'a field of a pushed event that is gone',
    events(SOLD, { ...READY, payload: z.object({ hat: z.string() }) }),
    [
      'shop.hat_ready: field "payload.size" is gone in event.hat.ready',
      'shop.hat_ready: field "payload.size" is gone in shop.hat_ready.push',
    ],
  ],
  [
    'a field that waiting events do not have',
    events({ ...SOLD, payload: z.object({ hat: z.string(), buyer: z.string() }) }, READY),
    ['shop.hat_sold: field "buyer" is required now in shop.hat_sold'],
  ],
  [
    'a field of an event that is gone',
    events({ ...SOLD, payload: z.object({}) }, READY),
    [
      'shop.hat_sold: field "hat" is not read any more in shop.hat_sold',
      'shop.hat_sold: field "hat" is gone in shop.hat_sold',
    ],
  ],
  [
    'a queue that is gone',
    { services: [GATEWAY, SHOP, { ...BANK, events: {} }] },
    [
      'queue bank.events.sales is gone',
      ...['1s', '5s', '30s', '2m', '10m'].map((tier) => `queue bank.retry.${tier} is gone`),
      'queue bank.dead is gone',
    ],
  ],
  ['a version that goes back', { version: '0' }, ['the messages has version 0, it had 1']],
])('%s breaks somebody', ([, after, found]) => {
  expect(changes(after).sort()).toEqual([...found].sort());
});

test('a queue that is declared with other arguments breaks a broker that runs', () => {
  const before = documentOf({});
  const text = JSON.stringify(before).replace('"x-expires":10000', '"x-expires":20000');
  const [change, ...others] = asyncApiChanges(before, recordOf(JSON.parse(text)));
  expect([change?.names, change?.what, others]).toEqual([
    ['shop.rpc'],
    'queue shop.rpc is declared with other arguments',
    [],
  ]);
  expect(change?.breaks).toContain('BROKER_TOPOLOGY_DRIFT');
});

test('a new reason of dead letters is told by their queue', () => {
  const before = documentOf({});
  const text = JSON.stringify(before).replace('"forbidden","defect"', '"forbidden","bored","defect"');
  const found = asyncApiChanges(before, recordOf(JSON.parse(text)));
  expect(found.map(({ names }) => names)).toEqual(
    ['bank.dead', 'gateway.dead', 'shop.dead'].map((queue) => [queue, 'warren-reason']),
  );
});

test('a command at another exchange or key breaks those who wait at the old one', () => {
  const before = documentOf({});
  const moved = JSON.stringify(before).replaceAll('"address":"shop.hat_sold"', '"address":"shop.hat_gone"');
  expect(asyncApiChanges(before, recordOf(JSON.parse(moved))).map(({ what }) => what)).toEqual([
    'shop.hat_sold: "shop publishes shop.hat_sold" is at warren.events shop.hat_gone, it was at warren.events shop.hat_sold',
  ]);
});

test('a header that is required from now on breaks those who send none', () => {
  const before = documentOf({});
  const text = JSON.stringify(before).replace(
    '"required":["warren-deadline"]',
    '"required":["warren-deadline","warren-actor"]',
  );
  expect(asyncApiChanges(before, recordOf(JSON.parse(text))).map(({ what }) => what)).toEqual([
    'shop.buy_hat: field "warren-actor" is required now in headers of shop.buy_hat',
    'shop.count_hats: field "warren-actor" is required now in headers of shop.count_hats',
  ]);
});

test.for<readonly [what: string, after: World]>([
  ['nothing', {}],
  ['a new command', { contracts: [BUY, COUNT, { ...COUNT, name: 'shop.sum_hats' }] }],
  ['a new event', events(SOLD, READY, { ...SOLD, name: 'shop.hat_lost' })],
  ['a new pushed event', events(SOLD, READY, { ...READY, name: 'shop.hat_lost', client: 'hat.lost' })],
  ['a new caller', count({ access: { kind: 'service', callers: ['bank', 'ops', 'gateway'] } })],
  ['a new way', { contracts: [{ ...BUY, ways: ['rpc', 'command'] }, COUNT] }],
  ['a new field that may be left out', buy({ dto: BUY.dto.extend({ size: z.int().optional() }) })],
  ['more values', buy({ dto: BUY.dto.extend({ color: z.enum(['red', 'blue', 'green']) }) })],
  ['a new field of a reply', buy({ reply: z.object({ price: z.int(), tax: z.int() }) })],
  ['a new field of a pushed event', events(SOLD, { ...READY, payload: READY.payload.extend({ color: z.string() }) })],
  [
    'a new field of an event that may be absent',
    events({ ...SOLD, payload: SOLD.payload.extend({ buyer: z.string().optional() }) }, READY),
  ],
  [
    'a new error',
    buy({ errors: { ...BUY.errors, SHOP_CLOSED: { kind: 'conflict', message: 'Closed.', retryable: true } } }),
  ],
  ['a higher rate', buy({ limits: { ...BUY.limits, ratePerMinute: 240 } })],
  ['another summary and deadline', buy({ summary: 'Sells a hat.', deadlineMs: 9_000 })],
  ['a new service with its queues', { services: [...SERVICES, { ...SHOP, prefix: 'zoo', app: 'zoo-svc' }] }],
])('%s breaks nobody', ([, after]) => {
  expect(changes(after)).toEqual([]);
});

test('a version that goes back breaks everybody', () => {
  const found = asyncApiChanges(documentOf(count({ version: 2 })), documentOf({}));
  expect(found.map(({ what }) => what)).toEqual([
    'shop.count_hats: the message is shop.count_hats@1, it was shop.count_hats@2',
  ]);
  expect(found[0]?.breaks).toBe('everybody: a version never goes back');
});

test('a frame, a pushed event and a message of the same field are named alike', () => {
  const found = asyncApiChanges(documentOf({}), documentOf(buy({ dto: BUY.dto.extend({ size: z.int() }) })));
  expect(found.map(({ names }) => names)).toEqual([
    ['shop.buy_hat', 'size'],
    ['shop.buy_hat', 'size'],
  ]);
});
