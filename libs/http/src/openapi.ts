import { type Access, COMMON_ERRORS, type Contract, type ContractErrors, Problem, serviceOf } from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import * as z from 'zod';
import { fieldsOf, strictDto } from './strict_dto.ts';

type Json = Record<string, unknown>;

/** One operation of the documents that comes from no contract. */
export interface DocumentedRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly status: number;
  readonly summary: string;
  readonly operationId: string;
  readonly tag: string;
  readonly access: 'anonymous' | 'player' | 'server' | 'player_or_server';
  readonly reply: z.ZodType;
  readonly errors: ContractErrors;
}

export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** The parts of an OpenAPI document that others look at; the rest is plain JSON. */
export interface ApiDocument {
  readonly openapi: string;
  readonly info: ApiInfo;
  readonly jsonSchemaDialect: string;
  readonly paths: Record<string, Json>;
  readonly components: Json;
}

/** Errors of the shared pipeline, which any operation may end in. */
const PIPELINE_ERRORS: ContractErrors = {
  REQUEST_INVALID: COMMON_ERRORS.REQUEST_INVALID,
  REQUEST_TOO_LARGE: COMMON_ERRORS.REQUEST_TOO_LARGE,
  REQUEST_MEDIA_UNSUPPORTED: COMMON_ERRORS.REQUEST_MEDIA_UNSUPPORTED,
  RATE_LIMITED: COMMON_ERRORS.RATE_LIMITED,
  SERVICE_INTERNAL: COMMON_ERRORS.SERVICE_INTERNAL,
  SERVICE_OVERLOADED: COMMON_ERRORS.SERVICE_OVERLOADED,
  SERVICE_UNAVAILABLE: COMMON_ERRORS.SERVICE_UNAVAILABLE,
  SERVICE_LINK_LOST: COMMON_ERRORS.SERVICE_LINK_LOST,
  SERVICE_TIMEOUT: COMMON_ERRORS.SERVICE_TIMEOUT,
};
const ACCESS_ERRORS: ContractErrors = {
  ACCESS_UNAUTHENTICATED: COMMON_ERRORS.ACCESS_UNAUTHENTICATED,
  ACCESS_FORBIDDEN: COMMON_ERRORS.ACCESS_FORBIDDEN,
};
const KEY_ERRORS: ContractErrors = {
  IDEMPOTENCY_KEY_MISSING: COMMON_ERRORS.IDEMPOTENCY_KEY_MISSING,
  IDEMPOTENCY_KEY_REUSED: COMMON_ERRORS.IDEMPOTENCY_KEY_REUSED,
  REQUEST_IN_PROGRESS: COMMON_ERRORS.REQUEST_IN_PROGRESS,
};

/** OpenAPI 3.1 of every public contract with an HTTP route, and of the routes that the gateway answers itself. */
export function openApiOf(
  info: ApiInfo,
  contracts: readonly Contract[],
  routes: readonly DocumentedRoute[],
): ApiDocument {
  const paths: Record<string, Json> = {};
  for (const contract of contracts) {
    if (contract.http === undefined || contract.exposure !== 'public') continue;
    const operations = (paths[contract.http.path] ??= {});
    operations[contract.http.method.toLowerCase()] = contractOperation(contract, contract.http.status);
  }
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = routeOperation(route);
  return {
    openapi: '3.1.0',
    info,
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    paths,
    components: { schemas: { Problem: schemaOf(Problem, 'output') }, securitySchemes: SECURITY_SCHEMES },
  };
}

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

function contractOperation(contract: Contract, status: number): Json {
  const needsKey = contract.idempotency === 'inbox';
  const errors = {
    ...PIPELINE_ERRORS,
    ...(contract.access.kind === 'anonymous' ? {} : ACCESS_ERRORS),
    ...(needsKey ? KEY_ERRORS : {}),
    ...contract.errors,
  };
  return {
    operationId: contract.name.replace('.', '_'),
    summary: contract.summary,
    tags: [serviceOf(contract.name)],
    security: securityOf(contract.access),
    ...inputOf(contract, needsKey),
    responses: { [status]: jsonResponse('Done.', schemaOf(contract.reply, 'output')), ...problemResponses(errors) },
  };
}

function routeOperation(route: DocumentedRoute): Json {
  const kinds = route.access === 'player_or_server' ? (['player', 'server'] as const) : [route.access];
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    security: kinds.flatMap((kind) => (kind === 'anonymous' ? [] : [{ [kind]: [] }])),
    responses: {
      [route.status]: jsonResponse('Done.', schemaOf(route.reply, 'output')),
      ...problemResponses(route.errors),
    },
  };
}

function securityOf(access: Access): Json[] {
  return access.kind === 'player' || access.kind === 'server' ? [{ [access.kind]: [] }] : [];
}

/** Parameters and body: fields named in the path come from there, the rest from the body or, for GET, the query. */
function inputOf(contract: Contract, needsKey: boolean): Json {
  const inPath = new Set([...(contract.http?.path ?? '').matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1] ?? ''));
  const inQuery = contract.http?.method === 'GET';
  const shape = fieldsOf(strictDto(contract));
  const rest = Object.entries(shape).filter(([name]) => !inPath.has(name));
  const parameters = [
    ...[...inPath].map((name) => ({ name, in: 'path', required: true, schema: fieldSchema(shape[name]) })),
    ...(inQuery
      ? rest.map(([name, field]) => ({ name, in: 'query', required: !isOptional(field), schema: fieldSchema(field) }))
      : []),
    ...headersOf(contract, needsKey),
  ];
  const body = inQuery ? undefined : schemaOf(z.strictObject(Object.fromEntries(rest)), 'input');
  return {
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { required: rest.length > 0, content: { 'application/json': { schema: body } } } }),
  };
}

function headersOf(contract: Contract, needsKey: boolean): Json[] {
  const key = { type: 'string', minLength: 8, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' };
  const headers: Json[] = [];
  if (needsKey)
    headers.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: true,
      schema: key,
      description: 'The same key is applied once.',
    });
  if (needsKey && contract.access.kind === 'anonymous') {
    const description = 'Random text that the client keeps, so that nobody else can replay its key.';
    headers.push({ name: 'Warren-Device-Nonce', in: 'header', required: true, schema: key, description });
  }
  return headers;
}

const fieldSchema = (field: z.core.$ZodType | undefined): Json => (field === undefined ? {} : schemaOf(field, 'input'));
const isOptional = (field: z.core.$ZodType): boolean => field._zod.optin === 'optional';

/** One response per status, which names the codes that it may carry. */
function problemResponses(errors: ContractErrors): Json {
  const byStatus = new Map<number, [string, string][]>();
  for (const [code, error] of Object.entries(errors)) {
    const status = ERROR_KINDS[error.kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), [code, error.message]]);
  }
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [status, problemResponse(codes)]),
  );
}

function problemResponse(codes: readonly (readonly [string, string])[]): Json {
  const schema = {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      { type: 'object', properties: { code: { enum: codes.map(([code]) => code) } } },
    ],
  };
  const description = codes.map(([code, message]) => `\`${code}\` ${message}`).join('\n\n');
  return { description, content: { 'application/problem+json': { schema } } };
}

const jsonResponse = (description: string, schema: Json): Json => ({
  description,
  content: { 'application/json': { schema } },
});

/** JSON Schema of what travels. A transform (ids in lower case) changes no type, so its input stands for its output. */
function schemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (io === 'output' && zodSchema instanceof z.ZodPipe && zodSchema.def.out instanceof z.ZodTransform) {
        Object.assign(jsonSchema, schemaOf(zodSchema.def.in, io));
      }
    },
  });
  return json;
}
