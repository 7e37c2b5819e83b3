import {
  type AppError,
  continueTrace,
  formatTraceparent,
  type Logger,
  parseTraceparent,
  runInContext,
  type WorkContext,
} from '@warren/kernel';
import { type Metrics, startSpan, type WorkSpan } from '@warren/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Trace and route of this request. Streams lose the async context, so every step of ours re-enters it from here. */
    work: WorkContext | null;
    /** Only while spans are exported. */
    span: WorkSpan | null;
    /** What the request ended in, for its log line. */
    failure: AppError | null;
  }
}

const routeOf = (request: FastifyRequest): string => `${request.method} ${request.routeOptions.url ?? '(none)'}`;

/** The context of a request; made on first use, so that a fault before the hooks has a trace too. */
export function workOf(request: FastifyRequest): WorkContext {
  request.work ??= beginWork(request);
  return request.work;
}

function beginWork(request: FastifyRequest): WorkContext {
  const traceparent = headerOf(request, 'traceparent');
  const command = routeOf(request);
  const span = startSpan({ role: 'server', name: command, parent: parseTraceparent(traceparent) });
  request.span = span ?? null;
  return { trace: span?.trace ?? continueTrace(traceparent), command };
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
  app.decorateRequest('span', null);
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
    endSpan(request, reply);
    done();
  });
}

function endSpan({ span, failure }: FastifyRequest, { statusCode }: FastifyReply): void {
  if (span === null) return;
  if (statusCode >= 500) span.fail(failure?.code ?? String(statusCode));
  span.end();
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
