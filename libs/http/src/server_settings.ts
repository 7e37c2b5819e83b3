import type { Server } from 'node:http';
import type { Logger } from '@warren/kernel';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerFactoryHandler,
  fastify,
  LogController,
} from 'fastify';
import { createBoundedServer } from './bounded_server.ts';
import { answerBrokenRequest, sendProblem } from './error_replies.ts';
import { errorOfRequest } from './problem.ts';

export const DEFAULT_BODY_LIMIT_BYTES = 16 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_PARAM_CHARS = 128;

/** Node applies these only when all are set together, and the check interval bounds how late each one strikes. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_CHECK_MS = 1_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** A connection on which nothing moves, which is also a reader that never reads its answer. Above every deadline. */
const CONNECTION_TIMEOUT_MS = 65_000;
const MAX_REQUESTS_PER_SOCKET = 10_000;

export interface FastifySettings {
  readonly logger: Logger;
  readonly bodyLimitBytes: number;
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed; none by default. */
  readonly trustProxy: readonly string[];
  readonly maxConnections: number;
}

/** fastify with every limit said, its own log lines off, and its own errors in our form. */
export function createFastify(settings: FastifySettings): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = settings.logger;
  const app: FastifyInstance = fastify({
    loggerInstance,
    // one child logger per request costs more than the context fields that our lines carry anyway
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: settings.bodyLimitBytes,
    forceCloseConnections: 'idle',
    // a request that still arrives on an open connection is answered; fastify's own 503 would be no problem document
    return503OnClosing: false,
    exposeHeadRoutes: false,
    requestIdHeader: false,
    trustProxy: settings.trustProxy.length === 0 ? false : [...settings.trustProxy],
    serverFactory: (handler) => createServer(settings, handler),
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, errorOfRequest(error)),
    clientErrorHandler: answerBrokenRequest,
  });
  return app;
}

/** Fastify applies its options about connections only to servers that it makes itself, so they stand here. */
function createServer(settings: FastifySettings, handler: FastifyServerFactoryHandler): Server {
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const server = createBoundedServer(options, handler);
  server.setTimeout(CONNECTION_TIMEOUT_MS);
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET;
  server.maxConnections = settings.maxConnections;
  return server;
}
