export {
  AppError,
  ERROR_KINDS,
  type ErrorKind,
  errorFactory,
  type FieldFault,
  toAppError,
} from './app_error.ts';
export { backoffMs } from './backoff.ts';
export { type Clock, systemClock, withTimeout } from './clock.ts';
export { Container, type Token, token } from './container.ts';
export { digest, hash32, newId, newSecret } from './ids.ts';
export { DEFAULT_JSON_LIMITS, type JsonLimits, parseJson } from './json.ts';
export { createLogger, LOG_LEVELS, type Logger, silentLogger } from './logger.ts';
export { resetSocket } from './reset_socket.ts';
export { type Rng, systemRng } from './rng.ts';
export {
  type Environment,
  flag,
  integer,
  key32,
  readEnvironment,
  readSettings,
  secret,
} from './settings.ts';
export { SOCKET_CODES } from './socket_codes.ts';
export {
  continueTrace,
  currentContext,
  formatTraceparent,
  parseTraceparent,
  runInContext,
  startTrace,
  type TraceContext,
  type WorkContext,
} from './trace.ts';
export { PLACEHOLDER } from './weak_secret.ts';
