import { gzipSync } from 'node:zlib';
import { RELEASE_GAME } from '@warren/contracts';

/** A message that no service of ours would send. What is not said is as in a good one. */
export interface PoisonMessage {
  readonly name: string;
  readonly body?: Buffer;
  readonly key?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Broker user that sends it; the coordinator unless said. */
  readonly from?: 'coordinator' | 'gateway';
  /** `invalid_payload` unless said. */
  readonly reason?: 'invalid_payload' | 'no_handler' | 'too_large' | 'forbidden';
  /** The attempt that its dead letter must name; 1 unless said. */
  readonly attempt?: number;
}

/** Body of a good message; nobody has this game. */
export const GOOD_BODY = { game_id: '6f1c1a52-6a0e-4c5e-9d3f-0f2f7a1b2c3d', reason: 'ended' };
const GOOD_TEXT = JSON.stringify(GOOD_BODY);
const MAX_BODY = 256 * 1024;
const MIB = 1024 * 1024;

const bytes = (text: string, encoding: BufferEncoding = 'utf8'): Buffer => Buffer.from(text, encoding);
const withField = (field: string): Buffer => bytes(`${GOOD_TEXT.slice(0, -1)},${field}}`);
const body = (name: string, content: Buffer | string): PoisonMessage => ({
  name,
  body: typeof content === 'string' ? bytes(content) : content,
});
const headers = (name: string, content: Readonly<Record<string, unknown>>, attempt = 1): PoisonMessage => ({
  name,
  body: bytes('{'),
  properties: { headers: content },
  attempt,
});
const properties = (name: string, content: Readonly<Record<string, unknown>>): PoisonMessage => ({
  name,
  properties: content,
});
const unknownType = (type: string, key: string = RELEASE_GAME.name): PoisonMessage => ({
  name: `type ${type.slice(0, 40)}`,
  properties: { type },
  key,
  reason: 'no_handler',
});

const BROKEN_JSON: readonly PoisonMessage[] = [
  body('empty body', ''),
  body('one brace', '{'),
  body('no JSON at all', 'release the game, please'),
  body('cut off in the middle', GOOD_TEXT.slice(0, -7)),
  body('two documents', `${GOOD_TEXT}${GOOD_TEXT}`),
  body('single quotes', GOOD_TEXT.replaceAll('"', "'")),
  body('a comma too many', `${GOOD_TEXT.slice(0, -1)},}`),
  body('NaN', withField('"x":NaN')),
  body('a comment', `/* now */${GOOD_TEXT}`),
  body('random bytes', Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 167 + 13) % 256))),
  body('UTF-16', bytes(GOOD_TEXT, 'utf16le')),
  body('a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes(GOOD_TEXT)])),
  body('invalid UTF-8', Buffer.concat([bytes(GOOD_TEXT.slice(0, -2)), Buffer.from([0xc3, 0x28]), bytes('"}')])),
  body('overlong UTF-8', Buffer.concat([bytes('{"a":"'), Buffer.from([0xc0, 0xaf]), bytes('"}')])),
];

const HOSTILE_JSON: readonly PoisonMessage[] = [
  body('deep arrays', withField(`"x":${'['.repeat(50_000)}${']'.repeat(50_000)}`)),
  body('deep objects', withField(`"x":${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)),
  body('brackets that never close', '['.repeat(200_000)),
  body('too many keys', `{${Array.from({ length: 20_001 }, (_, index) => `"${index}":1`).join(',')}}`),
  body('__proto__', withField('"__proto__":{"role":"admin"}')),
  body('__proto__ in escapes', withField('"\\u005f\\u005fproto__":{"role":"admin"}')),
  body('constructor', withField('"constructor":{"prototype":{"role":"admin"}}')),
  body('U+0000 in a string', withField('"x":"\\u0000"')),
  body('half a surrogate pair', withField('"x":"\\ud800"')),
  body('a number that nobody can hold', withField('"x":1e400')),
];

const WRONG_SHAPE: readonly PoisonMessage[] = [
  body('null', 'null'),
  body('a number', '42'),
  body('a string', '"ended"'),
  body('an array', `[${GOOD_TEXT}]`),
  body('no fields', '{}'),
  body('a field missing', JSON.stringify({ game_id: GOOD_BODY.game_id })),
  body('fields of other types', JSON.stringify({ game_id: 1, reason: true })),
  body('an id that is none', JSON.stringify({ ...GOOD_BODY, game_id: "1' OR '1'='1" })),
  body('a word that is not in the list', JSON.stringify({ ...GOOD_BODY, reason: 'bored' })),
];

const WRONG_KIND: readonly PoisonMessage[] = [
  unknownType('allocator.nope@1'),
  unknownType('__proto__@1'),
  unknownType('constructor@1'),
  unknownType('tostring@1'),
  unknownType('allocator.assign_game@1'),
  unknownType('x'.repeat(255)),
  unknownType(`${RELEASE_GAME.name}@2`),
  unknownType(`${RELEASE_GAME.name}@0`),
  unknownType(`${RELEASE_GAME.name}@999999`),
  {
    name: 'a key that nobody handles',
    key: 'allocator.drop_everything',
    properties: { type: undefined },
    reason: 'no_handler',
  },
  { name: 'the key of another command', key: 'allocator.drop_everything' },
  properties('no content type', { contentType: undefined }),
  properties('serialized Java', { contentType: 'application/x-java-serialized-object' }),
  properties('another charset', { contentType: 'application/json; charset=utf-16' }),
  { name: 'compressed', body: gzipSync(bytes(GOOD_TEXT)), properties: { contentEncoding: 'gzip' } },
  { name: 'a bomb', body: gzipSync(Buffer.alloc(16 * MIB)), properties: { contentEncoding: 'gzip' } },
  properties('said to be compressed', { contentEncoding: 'gzip' }),
  { name: 'a byte too large', body: bytes(`"${'x'.repeat(MAX_BODY - 1)}"`), reason: 'too_large' },
  { name: '16 MiB', body: Buffer.alloc(16 * MIB, 0x20), reason: 'too_large' },
];

const WRONG_SENDER: readonly PoisonMessage[] = [
  properties('no message id', { messageId: undefined }),
  properties('a message id with spaces', { messageId: 'not an id' }),
  properties('a message id of other letters', { messageId: 'идентификатор' }),
  properties('a message id that is too long', { messageId: 'm'.repeat(255) }),
  { name: 'no sender', properties: { userId: undefined }, reason: 'forbidden' },
  { name: 'a sender who may not', from: 'gateway', reason: 'forbidden' },
  {
    name: 'a sender who may not and says he is another',
    from: 'gateway',
    properties: {
      appId: 'coordinator',
      headers: { 'warren-origin-user': 'coordinator', 'warren-actor': 'service:coordinator' },
    },
    reason: 'forbidden',
  },
];

const STRANGE_HEADERS: readonly PoisonMessage[] = [
  headers('attempt -1', { 'warren-attempt': -1 }),
  headers('attempt 0', { 'warren-attempt': 0 }),
  headers('attempt 1.5', { 'warren-attempt': 1.5 }),
  headers('attempt three', { 'warren-attempt': '3' }),
  headers('attempt null', { 'warren-attempt': null }),
  headers('more attempts than there are', { 'warren-attempt': 2 ** 53 }),
  headers('the sixth attempt', { 'warren-attempt': 6 }, 6),
  headers('endless waiting', { 'warren-busy': 2 ** 40 }),
  headers(
    '48 KiB of foreign headers',
    Object.fromEntries(Array.from({ length: 48 }, (_, index) => [`x-${index}`, 'x'.repeat(1_000)])),
  ),
  headers('nested headers', { deep: { deeper: [{ deepest: [1, [2, [3]]] }] } }),
  headers('a made-up history', {
    'x-death': [{ count: 9, reason: 'rejected', queue: 'allocator.commands' }],
    'x-delivery-count': 9,
  }),
  headers('a trace that is none', { traceparent: '00-zz-zz-00' }),
  headers('a trace of 8 KiB', { traceparent: '0'.repeat(8_192) }),
  headers('forged reasons', {
    'warren-reason': 'defect',
    'warren-source-queue': 'auth.rpc',
    'warren-origin-user': 'topology',
  }),
  { name: 'not persistent', body: bytes('{'), properties: { persistent: false } },
  {
    name: 'the reply queue of another',
    body: bytes('{'),
    properties: { replyTo: 'coordinator.rpc', correlationId: 'c-1' },
  },
];

/** Messages for the queue of durable commands, each of which must end as one dead letter. */
export const POISON: readonly PoisonMessage[] = [
  ...BROKEN_JSON,
  ...HOSTILE_JSON,
  ...WRONG_SHAPE,
  ...WRONG_KIND,
  ...WRONG_SENDER,
  ...STRANGE_HEADERS,
];
