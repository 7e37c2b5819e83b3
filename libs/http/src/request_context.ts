import {
  type AppError,
  continueTrace,
  formatTraceparent,
  type Logger,
  runInContext,
  type WorkContext,
} from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Trace and route of this request. Streams lose the async context, so every step of ours re-enters it from here. */
    work: WorkContext | null;
    /** What the request ended in, for its log line. */
    failure: AppError | null;
  }
}

const routeOf = (request: FastifyRequest): string => `${request.method} ${request.routeOptions.url ?? '(none)'}`;

/** The context of a request; made on first use, so that a fault before the hooks has a trace too. */
export function workOf(request: FastifyRequest): WorkContext {
  request.work ??= { trace: continueTrace(headerOf(request, 'traceparent')), command: routeOf(request) };
  return request.work;
}

/** One header as text; undefined where it is absent or sent more than once. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

export const inContextOf = <T>(request: FastifyRequest, work: () => T): T => runInContext(workOf(request), work);

/** Gives each request a trace, answers with it, and writes one line and one measurement when it is done. */
export function addRequestContext(app: FastifyInstance, logger: Logger, metrics: Metrics | undefined): void {
  const seconds = metrics?.histogram('http_request_seconds', 'Time to answer an HTTP request.', ['route', 'status']);
  app.decorateRequest('work', null);
  app.decorateRequest('failure', null);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('traceparent', formatTraceparent(workOf(request).trace));
    inContextOf(request, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    seconds?.observe(
      { route: workOf(request).command ?? '', status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    inContextOf(request, () => logRequest(logger, request, reply));
    done();
  });
}

function logRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const fields = {
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime * 10) / 10,
    address: request.ip,
    ...(request.failure === null ? {} : { code: request.failure.code }),
  };
  if (reply.statusCode >= 500) logger.error({ ...fields, err: request.failure?.cause }, 'request failed');
  else logger.info(fields, 'request answered');
}
