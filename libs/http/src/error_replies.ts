import type { Socket } from 'node:net';
import { type AppError, formatTraceparent, startTrace } from '@warren/kernel';
import type { ConnectionError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { commonError, errorOfRequest, PROBLEM_TYPE, toProblem } from './problem.ts';
import { inContextOf, workOf } from './request_context.ts';
import type { RouteIndex } from './route_index.ts';

/** How long a caller waits where the error itself does not say, seconds. */
const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** Answers with the problem of this error; `status` only where HTTP knows a finer one than the error's kind. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: AppError,
  status = error.status,
): FastifyReply {
  request.failure = error;
  const retryAfter = error.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
  if (status === 429 || status === 503) reply.header('retry-after', String(retryAfter));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const { trace } = workOf(request);
  const problem = { ...toProblem(error, trace.traceId), status };
  reply.header('traceparent', formatTraceparent(trace));
  return reply.code(status).type(PROBLEM_TYPE).header('cache-control', 'no-store').send(JSON.stringify(problem));
}

/** Every error of the server leaves through here: thrown ones, unknown paths and methods, and fastify's own. */
export function addErrorReplies(app: FastifyInstance, routes: RouteIndex): void {
  app.setErrorHandler((thrown, request, reply) =>
    inContextOf(request, () => sendProblem(request, reply, errorOfRequest(thrown))),
  );
  app.setNotFoundHandler((request, reply) => {
    const allowed = routes.methodsAt(pathOf(request.url));
    if (allowed.length === 0) return sendProblem(request, reply, commonError('ROUTE_NOT_FOUND'));
    reply.header('allow', allowed.join(', '));
    const message = `This address takes ${allowed.join(', ')}, not ${request.method}.`;
    return sendProblem(request, reply, commonError('ROUTE_NOT_FOUND', { message }), 405);
  });
}

const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

const RAW_STATUS: Readonly<Record<string, readonly [number, string, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The headers are too large.'],
};
const BAD_REQUEST = [400, 'Bad Request', 'The request is not valid HTTP.'] as const;

/** Answers what never became a request, because Node could not parse it, and closes the connection. */
export function answerBrokenRequest(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason, message] =
    (Object.hasOwn(RAW_STATUS, error.code) ? RAW_STATUS[error.code] : undefined) ?? BAD_REQUEST;
  const problem = { ...toProblem(commonError('REQUEST_INVALID', { message }), startTrace().traceId), status };
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
