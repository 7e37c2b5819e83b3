import type { Json } from '../json.ts';

/** Which messages carry a header: requests of RPC, durable work (commands, events, pushes), copies of it, dead letters. */
export type HeaderUse = 'request' | 'work' | 'copy' | 'dead';

interface MessageHeader {
  readonly name: string;
  readonly on: readonly HeaderUse[];
  readonly requiredOn: readonly HeaderUse[];
  readonly schema: Json;
  readonly description: string;
}

const TEXT = { type: 'string', maxLength: 1_024 };

/** Every header of our messages; docs/messaging.md has the same table for people. */
export const MESSAGE_HEADERS: readonly MessageHeader[] = [
  {
    name: 'traceparent',
    on: ['request', 'work', 'copy', 'dead'],
    requiredOn: [],
    schema: { type: 'string', pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' },
    description: 'W3C trace context.',
  },
  {
    name: 'warren-deadline',
    on: ['request'],
    requiredOn: ['request'],
    schema: { type: 'integer', minimum: 0 },
    description: 'Epoch milliseconds at which the caller stops waiting.',
  },
  {
    name: 'warren-actor',
    on: ['request', 'copy', 'dead'],
    requiredOn: [],
    schema: { type: 'string', pattern: '^(anonymous|(player|server|service):[A-Za-z0-9][A-Za-z0-9._:-]{0,127})$' },
    description:
      'For whom the sender speaks. Without it a service speaks for itself; only the gateway speaks for others.',
  },
  {
    name: 'warren-session',
    on: ['request', 'copy', 'dead'],
    requiredOn: [],
    schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$' },
    description: 'Session of the player.',
  },
  {
    name: 'warren-roles',
    on: ['request', 'copy', 'dead'],
    requiredOn: [],
    schema: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,31}(,[a-z][a-z0-9_]{0,31}){0,31}$' },
    description: 'Roles of the player, separated by commas.',
  },
  {
    name: 'warren-attempt',
    on: ['work', 'copy', 'dead'],
    requiredOn: ['work', 'copy', 'dead'],
    schema: { type: 'integer', minimum: 1 },
    description: '1 for the first run.',
  },
  {
    name: 'warren-key',
    on: ['work', 'copy', 'dead'],
    requiredOn: [],
    schema: TEXT,
    description: 'Key of a command whose contract has one: commands of one key are worked on in their order.',
  },
  {
    name: 'warren-origin-user',
    on: ['copy', 'dead'],
    requiredOn: ['copy', 'dead'],
    schema: TEXT,
    description: 'Broker user of the first sender. Believed only from the own service and from ops.',
  },
  {
    name: 'warren-busy',
    on: ['copy'],
    requiredOn: [],
    schema: { type: 'integer', minimum: 1 },
    description: 'How often the message waited for its twin.',
  },
  {
    name: 'warren-error-code',
    on: ['copy', 'dead'],
    requiredOn: ['dead'],
    schema: TEXT,
    description: 'Code of the last error.',
  },
  {
    name: 'warren-error-message',
    on: ['dead'],
    requiredOn: ['dead'],
    schema: TEXT,
    description: 'What the last error said.',
  },
  {
    name: 'warren-reason',
    on: ['dead'],
    requiredOn: ['dead'],
    schema: {
      type: 'string',
      enum: ['no_handler', 'invalid_payload', 'too_large', 'forbidden', 'defect', 'retries_exhausted', 'key_blocked'],
    },
    description: 'Why the message was parked.',
  },
  {
    name: 'warren-source-queue',
    on: ['dead'],
    requiredOn: ['dead'],
    schema: TEXT,
    description: 'The queue that it was taken from.',
  },
  {
    name: 'warren-body-bytes',
    on: ['dead'],
    requiredOn: [],
    schema: { type: 'integer', minimum: 0 },
    description: 'Size of a body that was cut.',
  },
  {
    name: 'warren-sent-at',
    on: ['copy', 'dead'],
    requiredOn: [],
    schema: { type: 'integer', minimum: 0 },
    description: 'Epoch milliseconds at which the message was sent first.',
  },
  {
    name: 'warren-replayed',
    on: ['copy', 'dead'],
    requiredOn: [],
    schema: { type: 'integer', minimum: 1 },
    description: 'How often an operator has put the message back.',
  },
];

/** Name of the shared schema of each use. */
export const HEADER_SCHEMAS: Readonly<Record<HeaderUse, string>> = {
  request: 'RequestHeaders',
  work: 'WorkHeaders',
  copy: 'CopyHeaders',
  dead: 'DeadLetterHeaders',
};

/** The JSON Schema of the headers of one kind of message. Others may be there: nobody refuses a header. */
export function headersSchema(use: HeaderUse): Json {
  const headers = MESSAGE_HEADERS.filter(({ on }) => on.includes(use));
  const required = headers.filter(({ requiredOn }) => requiredOn.includes(use)).map(({ name }) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(headers.map(({ name, schema, description }) => [name, { ...schema, description }])),
    ...(required.length === 0 ? {} : { required }),
  };
}
