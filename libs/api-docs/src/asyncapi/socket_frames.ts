import {
  AckFrame,
  AuthFrame,
  type Contract,
  ErrorBody,
  type EventContract,
  GapFrame,
  GoodbyeFrame,
  RequestFrame,
  ResumedFrame,
  ResumeFrame,
  WelcomeFrame,
} from '@warren/contracts';
import { strictDto } from '@warren/http';
import type * as z from 'zod';
import type { Json } from '../json.ts';
import { errorsOverSocket, needsKey } from '../pipeline_errors.ts';
import type { AsyncApiBuilder } from './asyncapi_builder.ts';
import { firstOf } from './broker_messages.ts';

const JSON_TYPE = 'application/json';
const REQUEST_ID = '7';
const EXAMPLE_TRACE = '344d715e5366ff848e902e86e7c69633';

export const requestMessage = (type: string): string => `request.${type}`;
export const okMessage = (type: string): string => `request.${type}.ok`;
export const refusalMessage = (type: string): string => `request.${type}.refused`;
export const eventMessage = (type: string): string => `event.${type}`;
export const frameMessage = (name: string): string => `frame.${name}`;

/** Frames that have a form of their own, by who sends them. */
export const CLIENT_FRAMES: readonly (readonly [name: string, schema: z.ZodType, summary: string])[] = [
  ['auth', AuthFrame, 'First frame of a connection that has no Authorization header: a ticket of POST /v1/ws-tickets.'],
  [
    'resume',
    ResumeFrame,
    'Asks for the events after `lastSeq`; `session` is that of the welcome of the lost connection.',
  ],
  ['ack', AckFrame, 'Everything up to this event arrived; the gateway forgets it.'],
];
const GATEWAY_FRAMES: readonly (readonly [name: string, schema: z.ZodType, summary: string])[] = [
  ['welcome', WelcomeFrame, 'The client is authenticated. Keep `session` for a resume.'],
  ['resumed', ResumedFrame, 'The missed events follow.'],
  ['gap', GapFrame, 'Events between `lastSeq` and `firstSeq` are gone: read the state again over HTTP.'],
  ['goodbye', GoodbyeFrame, 'The gateway restarts: come back after this time. Sent before close code 1012.'],
];
const FAULT = 'fault';

/** Frames of both kinds of clients. */
export function addControlFrames(builder: AsyncApiBuilder): void {
  for (const [name, schema, summary] of [...CLIENT_FRAMES, ...GATEWAY_FRAMES]) {
    addFrame(builder, frameMessage(name), { title: name, summary, payload: builder.book.field(schema) });
  }
  addFrame(builder, frameMessage(FAULT), {
    title: FAULT,
    summary: 'A frame could not be understood, so that it has no id to answer to.',
    payload: object({ error: errorBody(builder) }),
    examples: [{ name: 'example', payload: { error: errorExample('REQUEST_INVALID', 'A frame is a JSON object.') } }],
  });
}

/** Names of the frames that the gateway sends without being asked. */
export const UNASKED: readonly string[] = [...GATEWAY_FRAMES.map(([name]) => name), FAULT];

/** The request frame of a command, its reply and its error. */
export function addRequestFrames(builder: AsyncApiBuilder, contract: Contract, type: string): void {
  const { summary } = contract;
  addFrame(builder, requestMessage(type), { title: type, summary, payload: requestPayload(builder, contract, type) });
  addFrame(builder, okMessage(type), {
    title: `Reply to ${type}`,
    summary: 'The command was done.',
    payload: object({ id: idOf(builder), ok: { type: 'boolean', const: true }, payload: replyOf(builder, contract) }),
  });
  const errors = errorsOverSocket(contract);
  const [code, first] = firstOf({ ...contract.errors, ...errors });
  addFrame(builder, refusalMessage(type), {
    title: `Refusal or failure of ${type}`,
    summary: 'The command was not done.',
    payload: object({ id: idOf(builder), ok: { type: 'boolean', const: false }, error: errorBody(builder) }),
    examples: [
      {
        name: code,
        payload: { id: REQUEST_ID, ok: false, error: errorExample(code, first?.message ?? '', first?.retryable) },
      },
    ],
    'x-error-codes': builder.errors(errors),
  });
}

/** A pushed event as the client sees it. */
export function addClientEvent(builder: AsyncApiBuilder, event: EventContract, type: string): void {
  addFrame(builder, eventMessage(type), {
    title: type,
    summary: event.summary,
    payload: object({
      seq: {
        type: 'integer',
        minimum: 0,
        description: 'Numbers the events of this recipient, without gaps.',
        examples: [4],
      },
      type: { type: 'string', const: type },
      payload: { ...builder.book.refTo(event.payload, event.name, 'Payload') },
    }),
  });
}

/** The gateway refuses what is not in the schema, by name, at every depth. */
function requestPayload(builder: AsyncApiBuilder, contract: Contract, type: string): Json {
  const { id, key, deadlineMs } = RequestFrame.shape;
  const dto = strictDto(contract);
  const isEmpty = Object.values(dto.shape).every((field: z.core.$ZodType) => field._zod.optin === 'optional');
  const keyed = needsKey(contract);
  return {
    type: 'object',
    properties: {
      id: {
        ...builder.book.field(id),
        description: 'The client’s own; comes back with the reply.',
        examples: [REQUEST_ID],
      },
      type: { type: 'string', const: type },
      payload: { ...builder.book.refTo(dto, contract.name, 'Request') },
      ...(keyed
        ? {
            key: {
              ...builder.book.field(key),
              pattern: '^[\\x21-\\x7e]+$',
              description: 'Idempotency key: the same key is applied once.',
              examples: ['queue-8f3a1c52'],
            },
          }
        : {}),
      deadlineMs: {
        ...builder.book.field(deadlineMs),
        description: `How long the client waits, milliseconds; never longer than ${contract.deadlineMs}.`,
        examples: [3_000],
      },
    },
    required: ['id', 'type', ...(isEmpty ? [] : ['payload']), ...(keyed ? ['key'] : [])],
    additionalProperties: false,
  };
}

const idOf = (builder: AsyncApiBuilder): Json => ({
  ...builder.book.field(RequestFrame.shape.id),
  examples: [REQUEST_ID],
});
const replyOf = (builder: AsyncApiBuilder, { reply, name }: Contract): Json => ({
  ...builder.book.refTo(reply, name, 'Reply'),
});
const errorBody = (builder: AsyncApiBuilder): Json => ({ ...builder.book.refTo(ErrorBody, 'gateway', 'ErrorBody') });

const errorExample = (code: string, message: string, retryable = false): Json => ({
  code,
  message,
  retryable,
  traceId: EXAMPLE_TRACE,
});

const object = (properties: Json): Json => ({ type: 'object', properties, required: Object.keys(properties) });

function addFrame(
  builder: AsyncApiBuilder,
  id: string,
  frame: Omit<Parameters<AsyncApiBuilder['message']>[1], 'name' | 'contentType'>,
): void {
  builder.message(id, { name: id, contentType: JSON_TYPE, ...frame });
}
