import type { Contract, HttpRoute } from '@warren/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { type AdmittedCall, type CallPort, callerOf } from './call_port.ts';
import { inContextOf } from './request_context.ts';
import type { RouteIndex } from './route_index.ts';
import { fieldsOf, invalidInput } from './strict_dto.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The call that onRequest let in, on the routes of contracts. */
    admitted: AdmittedCall | null;
  }
}

interface RoutedContract extends Contract {
  readonly http: HttpRoute;
}

const isRouted = (contract: Contract): contract is RoutedContract =>
  contract.http !== undefined && contract.exposure === 'public';

/** `/v1/tickets/{ticket_id}` → `/v1/tickets/:ticket_id`. */
const routePath = (path: string): string => path.replace(/\{([a-z_]+)\}/g, ':$1');

/** Adds the HTTP route of every public contract that has one. */
export function addContractRoutes(
  app: FastifyInstance,
  routes: RouteIndex,
  contracts: readonly Contract[],
  port: CallPort,
): void {
  app.decorateRequest('admitted', null);
  for (const contract of contracts.filter(isRouted)) {
    const url = routePath(contract.http.path);
    routes.add(contract.http.method, url);
    app.route({
      method: contract.http.method,
      url,
      bodyLimit: contract.limits.maxBytes,
      onRequest: async (request) => {
        request.admitted = await inContextOf(request, () => port.admit(contract, callerOf(request)));
      },
      handler: (request, reply) => inContextOf(request, () => answer(contract, request, reply)),
    });
  }
}

async function answer(contract: RoutedContract, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (request.admitted === null) throw new Error(`${contract.name} was reached without admission`);
  const value = await request.admitted.call(inputOf(contract, request));
  return reply.code(contract.http.status).type('application/json; charset=utf-8').send(JSON.stringify(value));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Body, path and (for GET) query as one input. The path cannot be contradicted, and only GET takes a query. */
function inputOf(
  contract: RoutedContract,
  request: Pick<FastifyRequest, 'body' | 'params' | 'query'>,
): Record<string, unknown> {
  const body = request.body ?? {};
  const query = isRecord(request.query) ? request.query : {};
  if (!isRecord(body)) throw invalidInput([{ path: '', message: 'must be a JSON object' }]);
  if (contract.http.method !== 'GET' && Object.keys(query).length > 0) {
    throw invalidInput(
      Object.keys(query).map((path) => ({ path, message: 'must be sent in the body, not in the address' })),
    );
  }
  const params = isRecord(request.params) ? request.params : {};
  const given = { ...query, ...body };
  const contradicted = Object.keys(params).filter((key) => Object.hasOwn(given, key) && given[key] !== params[key]);
  if (contradicted.length > 0)
    throw invalidInput(contradicted.map((path) => ({ path, message: 'differs from the address' })));
  return { ...body, ...coerceQuery(contract, query), ...params };
}

function coerceQuery(contract: Contract, query: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(query).map(([key, value]) => [key, coerce(fieldOf(contract, key), value)] as const);
  return Object.fromEntries(fields);
}

function fieldOf(contract: Contract, key: string): z.core.$ZodType | undefined {
  const fields = fieldsOf(contract.dto);
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** Text of a query as the field wants it; what does not fit stays text, for the schema to refuse by name. */
function coerce(field: z.core.$ZodType | undefined, value: unknown): unknown {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault || field instanceof z.ZodNullable) {
    return coerce(field.def.innerType, value);
  }
  if (field instanceof z.ZodArray) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    return items.map((item) => coerce(field.def.element, item));
  }
  return typeof value === 'string' ? coerceText(field, value) : value;
}

function coerceText(field: z.core.$ZodType | undefined, text: string): unknown {
  if (field instanceof z.ZodNumber && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  if (field instanceof z.ZodBoolean && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
