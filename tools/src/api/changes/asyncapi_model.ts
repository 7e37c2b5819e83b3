import { isRecord, type Json, listOf, pointerTo, recordOf, textOf } from '../json_document.ts';
import { type AccessFacts, accessOf } from './access_changes.ts';
import type { ErrorFacts } from './error_changes.ts';
import type { SchemaAt } from './schema_parts.ts';

export interface MessageFacts {
  readonly id: string;
  /** `auth.register@1`; empty for frames, which have no version. */
  readonly type: string;
  readonly payload: SchemaAt;
  readonly headers: SchemaAt;
  readonly errors: ReadonlyMap<string, ErrorFacts>;
}

/** What the two sides of one operation rely on. */
export interface AsyncFacts {
  readonly id: string;
  /** Command or event as in the contracts; of dead letters the queue, of frames the title. */
  readonly subject: string;
  readonly title: string;
  /** `rpc`, `command`, `event`, `push`, `request`, `client_event`, `frame`, `dead_letter`. */
  readonly kind: string;
  readonly action: string;
  readonly service: string;
  /** Routing key, queue or path. */
  readonly address: string;
  /** Exchange or nothing. */
  readonly exchange: string;
  readonly messages: readonly MessageFacts[];
  readonly replies: readonly MessageFacts[];
  readonly access: AccessFacts | undefined;
  readonly limits: Readonly<Record<string, number>>;
  readonly idempotency: string;
}

export interface QueueFacts {
  readonly name: string;
  /** Declared once and kept by the broker: another declaration is refused. */
  readonly durable: boolean;
  readonly declaration: Json;
}

/** The operations of an AsyncAPI document by id. */
export function asyncOperations(document: Json): Map<string, AsyncFacts> {
  const found = Object.entries(recordOf(document['operations'])).map(
    ([id, operation]) => [id, factsOf(document, id, recordOf(operation))] as const,
  );
  return new Map(found);
}

function factsOf(document: Json, id: string, operation: Json): AsyncFacts {
  const channel = target(document, operation['channel']);
  const amqp = recordOf(recordOf(channel['bindings'])['amqp']);
  const rules = recordOf(operation['x-rules']);
  const [title, kind] = [textOf(operation['title']), textOf(operation['x-kind'])];
  const address = textOf(channel['address']);
  return {
    id,
    subject: textOf(operation['x-subject']) || (kind === 'dead_letter' ? address : title),
    title,
    kind,
    action: textOf(operation['action']),
    service: textOf(operation['x-service']),
    address,
    exchange: textOf(recordOf(amqp['exchange'])['name']),
    messages: messagesOf(document, operation['messages']),
    replies: messagesOf(document, recordOf(operation['reply'])['messages']),
    access: isRecord(rules['access']) ? accessOf(rules['access']) : undefined,
    limits: numbersOf(rules),
    idempotency: textOf(rules['idempotency']),
  };
}

const LIMITS = ['ratePerMinute', 'maxBytes'];

const numbersOf = (rules: Json): Record<string, number> =>
  Object.fromEntries(
    LIMITS.flatMap((name) => {
      const value = rules[name];
      return typeof value === 'number' ? [[name, value]] : [];
    }),
  );

/** What a reference leads to, through a reference of the channel where there is one. */
function target(document: Json, reference: unknown): Json {
  const { $ref } = recordOf(reference);
  const found = recordOf(typeof $ref === 'string' ? pointerTo(document, $ref) : reference);
  return typeof found['$ref'] === 'string' ? target(document, found) : found;
}

function messagesOf(document: Json, references: unknown): MessageFacts[] {
  return listOf(references).map((reference) => {
    const { $ref } = recordOf(reference);
    const message = target(document, reference);
    return {
      id: textOf($ref).slice(textOf($ref).lastIndexOf('/') + 1),
      type: textOf(recordOf(recordOf(message['bindings'])['amqp'])['messageType']),
      payload: { schema: message['payload'], document },
      headers: { schema: message['headers'] ?? {}, document },
      errors: errorsOf(document, message['x-error-codes']),
    };
  });
}

function errorsOf(document: Json, codes: unknown): Map<string, ErrorFacts> {
  const table = recordOf(document['x-errors']);
  return new Map(
    listOf(codes).map((code) => {
      const { status, retryable } = recordOf(table[String(code)]);
      return [String(code), { status: Number(status), retryable: retryable === true }];
    }),
  );
}

/** The queues of an AsyncAPI document by name. */
export function queuesOf(document: Json): Map<string, QueueFacts> {
  const found = Object.values(recordOf(document['channels']))
    .filter(isRecord)
    .filter((channel) => 'x-queue' in channel);
  return new Map(
    found.map((channel) => {
      const name = textOf(channel['address']);
      const amqp = recordOf(recordOf(recordOf(channel['bindings'])['amqp'])['queue']);
      const { durable, exclusive, autoDelete } = amqp;
      const declaration = { durable, exclusive, autoDelete, arguments: recordOf(channel['x-queue'])['arguments'] };
      return [name, { name, durable: durable === true, declaration }];
    }),
  );
}
