import { z } from 'zod';
import type { AdminOperations, AdminResult, ConsumerState, HttpAdmin, QueueState } from './admin_operations.ts';
import { ExportedDefinitions } from './exported_definitions.ts';

const REQUEST_TIMEOUT_MS = 60_000;
const MAX_MESSAGE_CHARS = 600;

interface ApiRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: unknown;
}

// fetch refuses credentials in a URL, and an error message must not carry them either.
function target(admin: HttpAdmin, path: string): { url: string; authorization: string } {
  const url = new URL(admin.url);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return { url: `${base}/api/${path}`, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

async function api(admin: HttpAdmin, request: ApiRequest): Promise<AdminResult<unknown>> {
  const { url, authorization } = target(admin, request.path);
  try {
    const response = await fetch(url, {
      method: request.method,
      headers: { authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    return await answerOf(request, url, response);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : 'unknown failure';
    return { ok: false, reason: 'unreachable', message: `${url} does not answer: ${detail}` };
  }
}

async function answerOf(request: ApiRequest, url: string, response: Response): Promise<AdminResult<unknown>> {
  const text = await response.text();
  const gone = request.method === 'DELETE' && response.status === 404;
  if (response.ok || gone) return { ok: true, value: text === '' || gone ? undefined : JSON.parse(text) };
  const reason = response.status === 401 || response.status === 403 ? 'not_permitted' : 'failed';
  return { ok: false, reason, message: `${url} answered ${response.status}: ${text.slice(0, MAX_MESSAGE_CHARS)}` };
}

async function deleteAll(
  admin: HttpAdmin,
  kind: 'vhosts' | 'users',
  names: readonly string[],
): Promise<AdminResult<void>> {
  for (const name of names) {
    const result = await api(admin, { method: 'DELETE', path: `${kind}/${encodeURIComponent(name)}` });
    if (!result.ok) return result;
  }
  return { ok: true, value: undefined };
}

async function list<T>(admin: HttpAdmin, path: string, schema: z.ZodType<T>): Promise<AdminResult<T[]>> {
  return read(admin, path, z.array(schema));
}

async function read<T>(admin: HttpAdmin, path: string, schema: z.ZodType<T>): Promise<AdminResult<T>> {
  const result = await api(admin, { method: 'GET', path });
  if (!result.ok) return result;
  const parsed = schema.safeParse(result.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, reason: 'failed', message: `GET ${path} answered something unexpected` };
}

async function names(admin: HttpAdmin, path: string): Promise<AdminResult<string[]>> {
  const result = await list(admin, path, z.object({ name: z.string() }));
  return result.ok ? { ok: true, value: result.value.map((item) => item.name) } : result;
}

// The API leaves the counters out until its first statistics arrive.
const Queue: z.ZodType<QueueState> = z.object({
  name: z.string(),
  type: z.string().default('classic'),
  messages: z.number().default(0),
  consumers: z.number().default(0),
});

const Consumer: z.ZodType<ConsumerState> = z
  .object({ queue: z.object({ name: z.string() }), prefetch_count: z.number(), ack_required: z.boolean() })
  .transform((found) => ({ queue: found.queue.name, prefetch: found.prefetch_count, acks: found.ack_required }));

export function httpAdmin(admin: HttpAdmin): AdminOperations {
  return {
    exportDefinitions: () => read(admin, 'definitions', ExportedDefinitions),
    async importDefinitions(definitions) {
      const result = await api(admin, { method: 'POST', path: 'definitions', body: definitions });
      return result.ok ? { ok: true, value: undefined } : result;
    },
    deleteVhosts: (vhosts) => deleteAll(admin, 'vhosts', vhosts),
    deleteUsers: (users) => deleteAll(admin, 'users', users),
    listVhosts: () => names(admin, 'vhosts?columns=name'),
    listUsers: () => names(admin, 'users?columns=name'),
    listQueues: (vhost) => list(admin, `queues/${encodeURIComponent(vhost)}`, Queue),
    listConsumers: (vhost) => list(admin, `consumers/${encodeURIComponent(vhost)}`, Consumer),
  };
}
