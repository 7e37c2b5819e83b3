import { type Access, type Contract, type ContractErrors, Problem, serviceOf } from '@warren/contracts';
import { addHttpExamples } from '../examples/http_examples.ts';
import { type Json, sorted } from '../json.ts';
import { errorsOverHttp } from '../pipeline_errors.ts';
import { SchemaBook } from '../schema_book.ts';
import type { ApiDocument, ApiInfo, DocumentedRoute } from './documented_route.ts';
import { problemExample, problemResponses } from './problem_responses.ts';
import { requestInput } from './request_input.ts';

const SECURITY_SCHEMES = {
  player: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Access token of a player (POST /v1/auth/login).',
  },
  server: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Token of a game server (POST /v1/servers/token).',
  },
};

const HEADERS = {
  RetryAfter: { description: 'Seconds to wait before the next try.', schema: { type: 'integer', minimum: 1 } },
  traceparent: {
    description: 'W3C trace context of the request; continued where the request had one.',
    schema: { type: 'string', pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' },
  },
};

const IDEMPOTENCY: Readonly<Record<Contract['idempotency'], string>> = {
  inbox: 'A repeated call with the same `Idempotency-Key` and body gets the stored reply.',
  own: 'Nothing is stored, because request or reply carries a secret; each call is a call of its own.',
  natural: 'A repeated call has the same effect by itself.',
  read: 'Has no effect.',
};

/** OpenAPI 3.1 of every public contract with an HTTP route, and of the routes that the gateway answers itself. */
export function openApiOf(
  info: ApiInfo,
  contracts: readonly Contract[],
  routes: readonly DocumentedRoute[],
): ApiDocument {
  const book = new SchemaBook('draft-2020-12');
  const paths: Record<string, Record<string, Json>> = {};
  const errors = new Map<string, ContractErrors[string]>();
  const problem = book.refTo(Problem, 'gateway', 'Problem');
  for (const contract of contracts) {
    if (contract.http === undefined || contract.exposure !== 'public') continue;
    const ends = errorsOverHttp(contract);
    (paths[contract.http.path] ??= {})[contract.http.method.toLowerCase()] = contractOperation(contract, ends, book);
    for (const [code, error] of Object.entries(ends)) errors.set(code, error);
  }
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = routeOperation(route, book);
    for (const [code, error] of Object.entries(route.errors)) errors.set(code, error);
  }
  const components = {
    schemas: book.componentsFor([paths, problem]),
    headers: HEADERS,
    examples: sorted(Object.fromEntries([...errors].map(([code, error]) => [code, problemExample(code, error)]))),
    securitySchemes: SECURITY_SCHEMES,
  };
  return addHttpExamples({
    openapi: '3.1.0',
    info,
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: '/', description: 'The gateway that serves this document.' }],
    tags: tagsOf(paths),
    paths: sorted(Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, sorted(item)]))),
    components,
  });
}

function contractOperation(contract: Contract, errors: ContractErrors, book: SchemaBook): Json {
  const { name, limits, idempotency, deadlineMs, ws } = contract;
  const reply = book.refTo(contract.reply, name, 'Reply');
  return {
    operationId: name.replace('.', '_'),
    summary: contract.summary,
    description: [
      `At most ${limits.ratePerMinute} calls a minute and caller, each with at most ${limits.maxBytes} bytes.`,
      IDEMPOTENCY[idempotency],
      `The gateway waits up to ${deadlineMs} ms for the service.`,
      ...(ws === undefined ? [] : [`Over the WebSocket: \`${ws}\`.`]),
    ].join(' '),
    tags: [serviceOf(name)],
    security: securityOf(contract.access),
    ...requestInput(contract, book),
    responses: { [contract.http?.status ?? 200]: jsonResponse(reply), ...problemResponses(errors) },
    'x-rate-limit-per-minute': limits.ratePerMinute,
    'x-max-body-bytes': limits.maxBytes,
    'x-deadline-ms': deadlineMs,
    'x-idempotency': idempotency,
    ...(ws === undefined ? {} : { 'x-websocket-type': ws }),
  };
}

function routeOperation(route: DocumentedRoute, book: SchemaBook): Json {
  const kinds = route.access === 'player_or_server' ? (['player', 'server'] as const) : [route.access];
  const { ratePerMinute } = route;
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(ratePerMinute === undefined ? {} : { description: `At most ${ratePerMinute} calls a minute and caller.` }),
    tags: [route.tag],
    security: kinds.flatMap((kind) => (kind === 'anonymous' ? [] : [{ [kind]: [] }])),
    responses: {
      [route.status]: jsonResponse(book.refTo(route.reply, route.operationId, 'Reply')),
      ...problemResponses(route.errors),
    },
    ...(ratePerMinute === undefined ? {} : { 'x-rate-limit-per-minute': ratePerMinute }),
  };
}

/** For players the list names the roles, one of which is needed. */
function securityOf(access: Access): Json[] {
  if (access.kind === 'player') return [{ player: [...(access.roles ?? [])] }];
  return access.kind === 'server' ? [{ server: [] }] : [];
}

function tagsOf(paths: Readonly<Record<string, Readonly<Record<string, Json>>>>): Json[] {
  const names = Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ tags }) => (Array.isArray(tags) ? tags.map(String) : []));
  return [...new Set(names)].sort().map((name) => ({ name, description: `Answered by ${name}.` }));
}

const jsonResponse = (schema: unknown): Json => ({
  description: 'Done.',
  headers: { traceparent: { $ref: '#/components/headers/traceparent' } },
  content: { 'application/json': { schema } },
});
