import type { Contract, ContractErrors, EventContract } from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import type { Json } from '../json.ts';
import { errorsOverBroker } from '../pipeline_errors.ts';
import type { AsyncApiBuilder } from './asyncapi_builder.ts';
import { HEADER_SCHEMAS, type HeaderUse, headersSchema } from './message_headers.ts';

const AMQP = '0.3.0';
const JSON_TYPE = 'application/json';
const EXAMPLE_PLAYER = 'player:6f1d3c1e-8a52-4c57-9d5c-0d1c1a2b3c4d';
const EXAMPLE_SERVER = 'server:duel-1';

export const replyMessage = (name: string): string => `${name}.reply`;
export const errorMessage = (name: string): string => `${name}.error`;
export const commandMessage = (name: string): string => `${name}.command`;
export const pushMessage = (name: string): string => `${name}.push`;
export const DEAD_LETTER = 'dead_letter';
export const WAITING_COPY = 'waiting_copy';

/** Client types of events for game servers begin so; every other pushed event is for players. */
export const isForServers = ({ client }: EventContract): boolean => client?.startsWith('server.') === true;

const headersRef = (builder: AsyncApiBuilder, use: HeaderUse): { readonly $ref: string } =>
  builder.book.addPlain(HEADER_SCHEMAS[use], headersSchema(use));

const typed = (messageType: string): Json => ({
  amqp: { contentEncoding: 'utf-8', messageType, bindingVersion: AMQP },
});

/** Request, durable command, reply and error of each command. */
export function addCommandMessages(builder: AsyncApiBuilder, contract: Contract): void {
  const { name, version, summary, ways } = contract;
  const payload = builder.book.refTo(contract.dto, name, 'Dto');
  const common = {
    name,
    contentType: JSON_TYPE,
    payload: { ...payload },
    bindings: typed(`${name}@${version}`),
  } as const;
  if (ways.includes('command')) {
    const headers = headersRef(builder, 'work');
    builder.message(commandMessage(name), { ...common, title: `Command ${name}`, summary, headers });
  }
  if (!ways.includes('rpc')) return;
  builder.message(name, { ...common, title: `Request ${name}`, summary, headers: headersRef(builder, 'request') });
  builder.message(replyMessage(name), {
    name: replyMessage(name),
    title: `Reply of ${name}`,
    summary: 'The command was done.',
    contentType: JSON_TYPE,
    payload: { ...builder.book.refTo(contract.reply, name, 'Reply') },
    bindings: typed('ok'),
  });
  addErrorMessage(builder, contract);
}

/** The body of an error reply; `rpc_wire.ts` writes and reads it. */
const RPC_ERROR: Json = {
  type: 'object',
  properties: {
    code: { type: 'string', pattern: '^[A-Z][A-Z0-9_]{2,63}$' },
    kind: { type: 'string', enum: Object.keys(ERROR_KINDS) },
    message: { type: 'string', maxLength: 1_024 },
    retryable: { type: 'boolean' },
    fields: {
      type: 'array',
      maxItems: 64,
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
        required: ['path', 'message'],
      },
    },
    retryAfterSeconds: { type: 'integer', minimum: 0 },
    traceId: { type: 'string' },
  },
  required: ['code', 'kind', 'message', 'retryable'],
};

function addErrorMessage(builder: AsyncApiBuilder, contract: Contract): void {
  const errors = errorsOverBroker(contract);
  const [code, first] = firstOf({ ...contract.errors, ...errors });
  builder.message(errorMessage(contract.name), {
    name: errorMessage(contract.name),
    title: `Refusal or failure of ${contract.name}`,
    summary: 'The command was not done.',
    contentType: JSON_TYPE,
    payload: { ...builder.book.addPlain('RpcError', RPC_ERROR) },
    bindings: typed('error'),
    examples: [{ name: code, payload: { code, ...first } }],
    'x-error-codes': builder.errors(errors),
  });
}

/** The error of an example: one of the command's own where it has any. */
export function firstOf(errors: ContractErrors): readonly [code: string, error: ContractErrors[string] | undefined] {
  const [code = ''] = Object.keys(errors);
  return [code, errors[code]];
}

/** An event on `warren.events`, where somebody may hear it, and wrapped for its recipient on `warren.push`. */
export function addEventMessages(builder: AsyncApiBuilder, event: EventContract, emitted: boolean): void {
  const { name, version, summary, client } = event;
  const payload = builder.book.refTo(event.payload, name, 'Payload');
  const headers = headersRef(builder, 'work');
  const common = { contentType: JSON_TYPE, summary, headers, bindings: typed(`${name}@${version}`) } as const;
  if (emitted) builder.message(name, { ...common, name, title: `Event ${name}`, payload: { ...payload } });
  if (client === undefined) return;
  const [kind, example] = isForServers(event) ? ['server', EXAMPLE_SERVER] : ['player', EXAMPLE_PLAYER];
  builder.message(pushMessage(name), {
    ...common,
    name: pushMessage(name),
    title: `${client} for one recipient`,
    payload: {
      type: 'object',
      properties: {
        recipient: { type: 'string', pattern: `^${kind}:[\\s\\S]{1,64}$`, examples: [example] },
        type: { type: 'string', const: client },
        payload,
      },
      required: ['recipient', 'type', 'payload'],
    },
  });
}

/** Copies of messages of any kind: those that wait for another try, and those that are parked. */
export function addCopyMessages(builder: AsyncApiBuilder): void {
  const common = {
    contentType: JSON_TYPE,
    payload: {},
    examples: [{ name: 'example', payload: { game_id: '7d3c64af-0a7d-4a15-b8c2-5b792a965e5d' } }],
  } as const;
  builder.message(WAITING_COPY, {
    ...common,
    name: WAITING_COPY,
    title: 'Copy that waits for another try',
    summary: 'Body and type are those of the original. It returns to its queue through `warren.deliver`.',
    headers: headersRef(builder, 'copy'),
  });
  builder.message(DEAD_LETTER, {
    ...common,
    name: DEAD_LETTER,
    title: 'Dead letter',
    summary:
      'Copy of a message that could not be worked off. Body and type are those of the original, its headers say why.',
    headers: headersRef(builder, 'dead'),
  });
}
