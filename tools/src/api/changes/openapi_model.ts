import { isRecord, type Json, listOf, pointerTo, recordOf, textOf } from '../json_document.ts';
import { type AccessFacts, accessesOf } from './access_changes.ts';
import type { ErrorFacts } from './error_changes.ts';
import type { SchemaAt } from './schema_parts.ts';

export interface Parameter {
  readonly name: string;
  /** `path`, `query` or `header`. */
  readonly place: string;
  readonly required: boolean;
  readonly schema: SchemaAt;
}

/** What a caller of one route relies on. */
export interface HttpOperation {
  /** `POST /v1/auth/register`. */
  readonly route: string;
  /** `auth.register`, as in the contracts. */
  readonly command: string;
  readonly operationId: string;
  readonly access: readonly AccessFacts[];
  readonly parameters: readonly Parameter[];
  readonly body: { readonly required: boolean; readonly schema: SchemaAt } | undefined;
  /** Successful replies by status. */
  readonly replies: ReadonlyMap<string, SchemaAt>;
  readonly errors: ReadonlyMap<string, ErrorFacts>;
  readonly ratePerMinute: number;
  readonly maxBytes: number;
  readonly idempotency: string;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

/** The operations of an OpenAPI document by route. */
export function httpOperations(document: Json): Map<string, HttpOperation> {
  const found = Object.entries(recordOf(document['paths'])).flatMap(([path, item]) =>
    Object.entries(recordOf(item))
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => operationOf(document, `${method.toUpperCase()} ${path}`, recordOf(operation))),
  );
  return new Map(found.map((operation) => [operation.route, operation]));
}

function operationOf(document: Json, route: string, operation: Json): HttpOperation {
  const operationId = textOf(operation['operationId']);
  const responses = Object.entries(recordOf(operation['responses']));
  const replies = responses.filter(([status]) => status.startsWith('2'));
  return {
    route,
    operationId,
    command: operationId.replace('_', '.'),
    access: accessesOf(operation['security']),
    parameters: listOf(operation['parameters'])
      .filter(isRecord)
      .map((one) => parameterOf(document, one)),
    body: bodyOf(document, operation['requestBody']),
    replies: new Map(replies.map(([status, reply]) => [status, mediaSchema(document, reply)])),
    errors: new Map(responses.flatMap(([status, response]) => errorsOf(document, Number(status), response))),
    ratePerMinute: limitOf(operation['x-rate-limit-per-minute']),
    maxBytes: limitOf(operation['x-max-body-bytes']),
    idempotency: textOf(operation['x-idempotency']),
  };
}

const limitOf = (value: unknown): number => (typeof value === 'number' ? value : Number.POSITIVE_INFINITY);

function parameterOf(document: Json, parameter: Json): Parameter {
  return {
    name: textOf(parameter['name']),
    place: textOf(parameter['in']),
    required: parameter['required'] === true,
    schema: { schema: parameter['schema'], document },
  };
}

function bodyOf(document: Json, body: unknown): HttpOperation['body'] {
  if (!isRecord(body)) return undefined;
  return { required: body['required'] === true, schema: mediaSchema(document, body) };
}

const mediaSchema = (document: Json, holder: unknown): SchemaAt => ({
  schema: recordOf(recordOf(recordOf(holder)['content'])['application/json'])['schema'],
  document,
});

/** The codes of a problem response; each has an example that says whether it is retryable. */
function errorsOf(document: Json, status: number, response: unknown): [string, ErrorFacts][] {
  const media = recordOf(recordOf(recordOf(response)['content'])['application/problem+json']);
  return Object.entries(recordOf(media['examples'])).map(([code, example]) => {
    const { $ref } = recordOf(example);
    const problem = recordOf(recordOf(typeof $ref === 'string' ? pointerTo(document, $ref) : example)['value']);
    return [code, { status, retryable: problem['retryable'] === true }];
  });
}
