import pino from 'pino';
import pretty from 'pino-pretty';
import { LogQuota } from './log_quota.ts';
import { currentContext } from './trace.ts';

export type Logger = pino.Logger;

/** pino's levels plus the spellings of other ecosystems (DEBUG, INFO, WARNING, ERROR, CRITICAL). */
const LEVELS: Readonly<Record<string, pino.LevelWithSilent>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'fatal',
  critical: 'fatal',
  silent: 'silent',
};

export const LOG_LEVELS = Object.keys(LEVELS);

/** Fields whose values never reach a log, at the depths at which they occur. */
const SECRET_FIELDS = [
  'authorization',
  'password',
  'token',
  'access_token',
  'refresh_token',
  'join_ticket',
  'ticket',
  'secret',
  'cookie',
  'url',
  'key',
];
const REDACTED = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/** While something is away every call may fail and say so: of one warning or error so many lines are written in ten seconds. */
const QUOTA = { lines: 10, windowMs: 10_000 };
const FIRST_LIMITED_LEVEL = pino.levels.values['warn'] ?? 0;
/** The end of a process is always told. */
const FIRST_UNLIMITED_LEVEL = pino.levels.values['fatal'] ?? 0;

export interface LoggerOptions {
  readonly service: string;
  /** Lower or upper case; see LOG_LEVELS. */
  readonly level: string;
  readonly format: 'json' | 'text';
  /** Adds file and line of the call: for development, it costs a stack trace per line. */
  readonly traceCaller: boolean;
}

/** The logger of one process: JSON or text lines on standard output, each with service, pid and, inside work, trace and command. */
export function createLogger(options: LoggerOptions): Logger {
  const settings: pino.LoggerOptions = {
    level: LEVELS[options.level.toLowerCase()] ?? 'info',
    base: { service: options.service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    mixin: () => contextFields(options.traceCaller),
    hooks: { logMethod: withinQuota(new LogQuota({ ...QUOTA, now: () => performance.now() })) },
  };
  if (options.format === 'json') return pino(settings, pino.destination({ dest: 1, sync: false, minLength: 0 }));
  return pino(settings, pretty({ colorize: process.stdout.isTTY, sync: true, singleLine: true, ignore: 'pid' }));
}

/** A logger that writes nothing, for unit tests and tools. */
export const silentLogger = (): Logger => pino({ level: 'silent' });

type LogMethod = NonNullable<NonNullable<pino.LoggerOptions['hooks']>['logMethod']>;

function withinQuota(quota: LogQuota): LogMethod {
  return function writeWithinQuota(args, method, level) {
    const isLimited = level >= FIRST_LIMITED_LEVEL && level < FIRST_UNLIMITED_LEVEL;
    const [first, second] = args;
    const message = typeof first === 'string' ? first : second;
    const withheld = isLimited && typeof message === 'string' ? quota.take(message) : 0;
    if (withheld === undefined) return;
    if (withheld === 0) return method.apply(this, args);
    const line = typeof first === 'object' ? [{ ...first, withheld }, ...args.slice(1)] : [{ withheld }, ...args];
    Reflect.apply(method, this, line);
  };
}

function contextFields(traceCaller: boolean): Record<string, unknown> {
  const context = currentContext();
  const fields: Record<string, unknown> =
    context === undefined ? {} : { trace: context.trace.traceId, span: context.trace.spanId, command: context.command };
  if (traceCaller) fields['caller'] = callerOf(new Error().stack);
  return fields;
}

function callerOf(stack: string | undefined): string | undefined {
  const line = stack
    ?.split('\n')
    .find((entry) => entry.includes('file://') && !/node_modules|kernel\/src\/logger/.test(entry));
  return line === undefined ? undefined : /([^/]+\/[^/]+\/[^/]+:\d+):\d+\)?$/.exec(line)?.[1];
}
