import type { ContractErrors } from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import { exampleOf } from '../examples/example_of.ts';
import { type Json, sorted } from '../json.ts';
import { SchemaBook } from '../schema_book.ts';
import type {
  AsyncApiDocument,
  AsyncChannel,
  AsyncError,
  AsyncMessage,
  AsyncOperation,
  AsyncServer,
  Ref,
} from './asyncapi_document.ts';

type ChannelInput = Omit<AsyncChannel, 'messages'>;
interface OperationInput extends Omit<AsyncOperation, 'channel' | 'messages' | 'reply' | 'tags'> {
  readonly channel: string;
  readonly messages: readonly string[];
  readonly reply?: { readonly channel: string; readonly messages: readonly string[] };
}

/** Collects the parts of one AsyncAPI document; what an operation sends or receives is entered into its channel. */
export class AsyncApiBuilder {
  /** draft-7, because it is what AsyncAPI reads where nothing else is said. */
  readonly book = new SchemaBook('draft-7');
  readonly #servers: Record<string, AsyncServer> = {};
  readonly #channels: Record<string, AsyncChannel> = {};
  readonly #operations: Record<string, AsyncOperation> = {};
  readonly #messages: Record<string, AsyncMessage> = {};
  readonly #security: Record<string, Json> = {};
  readonly #errors: Record<string, AsyncError> = {};

  server(id: string, server: AsyncServer): void {
    this.#servers[id] = server;
  }

  security(id: string, scheme: Json): Ref {
    this.#security[id] = scheme;
    return { $ref: `#/components/securitySchemes/${id}` };
  }

  /** Enters error codes. @returns them, in order */
  errors(errors: ContractErrors): string[] {
    for (const [code, { kind, retryable, message }] of Object.entries(errors)) {
      this.#errors[code] = { status: ERROR_KINDS[kind], retryable, message };
    }
    return Object.keys(errors).sort();
  }

  channel(id: string, channel: ChannelInput): void {
    this.#channels[id] ??= { ...channel, messages: {} };
  }

  message(id: string, message: AsyncMessage): void {
    this.#messages[id] = message;
  }

  /** @throws Error for a channel or message that is not there: a document must not point to nothing */
  operation(id: string, input: OperationInput): void {
    const { channel, messages, reply, ...rest } = input;
    if (id in this.#operations) throw new Error(`two operations are called ${id}`);
    this.#operations[id] = {
      ...rest,
      channel: { $ref: `#/channels/${channel}` },
      tags: [{ name: rest['x-service'] }],
      messages: this.#enter(channel, messages),
      ...(reply === undefined
        ? {}
        : {
            reply: {
              channel: { $ref: `#/channels/${reply.channel}` },
              messages: this.#enter(reply.channel, reply.messages),
            },
          }),
    };
  }

  /** Messages that a channel carries beside those of its operations. */
  carries(channel: string, messages: readonly string[]): void {
    this.#enter(channel, messages);
  }

  build(info: Json): AsyncApiDocument {
    const schemas = this.book.componentsFor([this.#messages, this.#channels]);
    const messages = Object.entries(this.#messages).map(
      ([id, message]) => [id, withExample(message, schemas)] as const,
    );
    return {
      asyncapi: '3.0.0',
      info,
      defaultContentType: 'application/json',
      servers: this.#servers,
      channels: sorted(this.#channels),
      operations: sorted(this.#operations),
      'x-errors': sorted(this.#errors),
      components: {
        messages: sorted(Object.fromEntries(messages)),
        schemas,
        securitySchemes: sorted(this.#security),
      },
    };
  }

  #enter(channelId: string, messages: readonly string[]): Ref[] {
    const channel = this.#channels[channelId];
    if (channel === undefined) throw new Error(`there is no channel ${channelId}`);
    for (const id of messages) {
      if (!(id in this.#messages)) throw new Error(`there is no message ${id}`);
      channel.messages[id] = { $ref: `#/components/messages/${id}` };
    }
    return messages.map((id) => ({ $ref: `#/channels/${channelId}/messages/${id}` }));
  }
}

function withExample(message: AsyncMessage, schemas: Readonly<Record<string, Json>>): AsyncMessage {
  if (message.examples !== undefined) return message;
  return { ...message, examples: [{ name: 'example', payload: exampleOf(message.payload, schemas) }] };
}
