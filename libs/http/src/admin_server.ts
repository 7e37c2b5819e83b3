import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';

/** Whether the process can do its work now. */
interface HealthReport {
  /** Every reason against being ready, by dependency; empty means ready. Cheap: asked on every probe. */
  problems(): Readonly<Record<string, string>>;
}

export interface AdminServerDeps {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly health: HealthReport;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface AdminServer {
  /** The base address once it listens. */
  readonly url: string;
  /** @throws Error when the port is taken */
  listen(): Promise<string>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const REQUEST_TIMEOUT_MS = 5_000;
const CONNECTIONS_CHECK_MS = 1_000;
const MAX_CONNECTIONS = 64;

const json = (status: number, body: unknown): Answer => ({ status, type: JSON_TYPE, body: JSON.stringify(body) });

/** Health and metrics of one process, on a port of their own that the public never reaches: /livez, /readyz, /metrics. */
export function createAdminServer(deps: AdminServerDeps): AdminServer {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      keepAliveTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => void respond(deps, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  let url: string | undefined;
  return {
    get url() {
      if (url === undefined) throw new Error('the admin server does not listen yet');
      return url;
    },
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(deps.port, deps.host, () => {
          const address = server.address();
          const port = typeof address === 'object' && address !== null ? address.port : deps.port;
          url = `http://${deps.host.includes(':') ? `[${deps.host}]` : deps.host}:${port}`;
          resolve(url);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(deps: AdminServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerOf(deps, request).catch((error: unknown) => {
    deps.logger.error({ err: error }, 'the admin server failed to answer');
    return json(500, { status: 'failed' });
  });
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerOf(deps: AdminServerDeps, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { status: 'only GET' });
  const path = (request.url ?? '').split('?', 1)[0];
  // an event loop that answers is alive; whatever else is wrong, a restart does not cure it
  if (path === '/livez') return json(200, { status: 'live' });
  if (path === '/metrics') return { status: 200, type: deps.metrics.contentType, body: await deps.metrics.render() };
  if (path !== '/readyz') return json(404, { status: 'unknown path', paths: ['/livez', '/readyz', '/metrics'] });
  const missing = deps.health.problems();
  return Object.keys(missing).length === 0
    ? json(200, { status: 'ready' })
    : json(503, { status: 'not ready', missing });
}
