import cors from '@fastify/cors';
import type { Contract } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';
import type { FastifyInstance } from 'fastify';
import { type ApiDocuments, addApiDocuments } from './api_documents.ts';
import { addBodyParser } from './body_parser.ts';
import { type CallerInfo, type CallPort, callerOf } from './call_port.ts';
import { addContractRoutes } from './contract_routes.ts';
import { addErrorReplies } from './error_replies.ts';
import { addRequestContext, inContextOf } from './request_context.ts';
import { RouteIndex } from './route_index.ts';
import { addSecurityHeaders } from './security_headers.ts';
import { createFastify, DEFAULT_BODY_LIMIT_BYTES } from './server_settings.ts';
import { addSocketServer, type SocketRoute, SocketRoutes } from './socket_routes.ts';

const DEFAULT_MAX_CONNECTIONS = 20_000;
const DEFAULT_HEARTBEAT_MS = 15_000;
const CORS_MAX_AGE_SECONDS = 600;

export interface HttpServerDeps {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Exact origins whose pages may call and connect; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed; none by default. */
  readonly trustProxy?: readonly string[];
  readonly bodyLimitBytes?: number;
  readonly maxConnections?: number;
  readonly heartbeatMs?: number;
}

export interface RouteReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A route that comes from no contract. */
export interface HttpRouteSpec {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** @throws AppError, which leaves as a problem document */
  handle(caller: CallerInfo): Promise<RouteReply>;
}

/** The public HTTP and WebSocket server of one process. Add everything, then listen. */
export class HttpServer {
  readonly #app: FastifyInstance;
  readonly #routes: RouteIndex;
  readonly #sockets: SocketRoutes;
  readonly #host: string;
  readonly #port: number;
  #url: string | undefined;

  /** Use createHttpServer. */
  constructor(app: FastifyInstance, routes: RouteIndex, deps: HttpServerDeps) {
    this.#app = app;
    this.#routes = routes;
    this.#host = deps.host;
    this.#port = deps.port;
    const options = {
      allowedOrigins: deps.allowedOrigins ?? [],
      heartbeatMs: deps.heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
    };
    this.#sockets = new SocketRoutes(app, routes, options);
  }

  /** The base address once it listens: `http://127.0.0.1:8080`. */
  get url(): string {
    if (this.#url === undefined) throw new Error('the HTTP server does not listen yet');
    return this.#url;
  }

  /** Adds the HTTP route of every public contract; all of them end in one port. */
  contractRoutes(contracts: readonly Contract[], port: CallPort): void {
    addContractRoutes(this.#app, this.#routes, contracts, port);
  }

  route(spec: HttpRouteSpec): void {
    this.#routes.add(spec.method, spec.path);
    this.#app.route({
      method: spec.method,
      url: spec.path,
      handler: (request, reply) =>
        inContextOf(request, async () => {
          const { status, body, headers = {} } = await spec.handle(callerOf(request));
          return reply
            .code(status)
            .headers({ ...headers })
            .type('application/json; charset=utf-8')
            .send(JSON.stringify(body));
        }),
    });
  }

  socket<Admitted>(route: SocketRoute<Admitted>): void {
    this.#sockets.add(route);
  }

  /** Serves `/openapi.json`, `/asyncapi.json` and their pages at `/docs`. */
  documents(documents: ApiDocuments): void {
    addApiDocuments(this.#app, this.#routes, documents);
  }

  /** @returns the base address. @throws Error when the port is taken */
  async listen(): Promise<string> {
    await this.#app.listen({ host: this.#host, port: this.#port });
    this.#url = baseUrl(this.#app, this.#host);
    return this.#url;
  }

  /** Takes no new connections. Requests and sockets that are here stay. */
  stopAccepting(): void {
    if (this.#app.server.listening) this.#app.server.close();
  }

  /** Answers what is running, cuts every socket, ends. */
  async close(): Promise<void> {
    await this.#app.close();
  }
}

function baseUrl(app: FastifyInstance, host: string): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A server with limits, error answers, security headers and request context in place, and no routes yet. */
export async function createHttpServer(deps: HttpServerDeps): Promise<HttpServer> {
  const app = createFastify({
    logger: deps.logger,
    bodyLimitBytes: deps.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    trustProxy: deps.trustProxy ?? [],
    maxConnections: deps.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
  });
  const routes = new RouteIndex();
  addErrorReplies(app, routes);
  addRequestContext(app, deps.logger, deps.metrics);
  addSecurityHeaders(app);
  await addCors(app, deps.allowedOrigins ?? []);
  await addSocketServer(app);
  addBodyParser(app);
  return new HttpServer(app, routes, deps);
}

/** Without a list no page of another origin may call, which is what a browser assumes by itself. */
async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: [...origins],
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'traceparent', 'warren-device-nonce'],
    exposedHeaders: ['retry-after', 'traceparent'],
    maxAge: CORS_MAX_AGE_SECONDS,
    strictPreflight: false,
  });
}
