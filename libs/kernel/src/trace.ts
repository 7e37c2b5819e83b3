import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** W3C trace context: `traceparent` = `00-<traceId>-<spanId>-<flags>`. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** What every log line of the running work carries. `command` is a contract name or an HTTP route. */
export interface WorkContext {
  readonly trace: TraceContext;
  readonly command?: string;
}

const PATTERN = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_SPAN = '0'.repeat(16);

/** Random hex for span ids is drawn in blocks: one system call serves 512 spans. */
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let offset = 0;

function randomHex(bytes: number): string {
  if (offset + bytes > pool.length) {
    pool = randomBytes(POOL_BYTES);
    offset = 0;
  }
  const hex = pool.toString('hex', offset, offset + bytes);
  offset += bytes;
  return hex;
}

/** A trace that starts here. */
export const startTrace = (): TraceContext => ({ traceId: randomHex(16), spanId: randomHex(8), flags: '01' });

/**
 * The next hop of a trace: same trace id, new span id. Without a valid parent a new trace starts. Nothing is read or drawn
 * before somebody asks: most messages are handled without a line in the log.
 */
export const continueTrace = (traceparent: string | undefined): TraceContext => new ContinuedTrace(traceparent);

class ContinuedTrace implements TraceContext {
  readonly #traceparent: string | undefined;
  #trace: TraceContext | undefined;

  constructor(traceparent: string | undefined) {
    this.#traceparent = traceparent;
  }

  get traceId(): string {
    return this.#known.traceId;
  }

  get spanId(): string {
    return this.#known.spanId;
  }

  get flags(): string {
    return this.#known.flags;
  }

  get #known(): TraceContext {
    this.#trace ??= readTraceparent(this.#traceparent);
    return this.#trace;
  }
}

function readTraceparent(traceparent: string | undefined): TraceContext {
  const parent = parseTraceparent(traceparent);
  return parent === undefined ? startTrace() : { ...parent, spanId: randomHex(8) };
}

/** Who asked: the sender's trace and span. Undefined where the header is absent or not valid. */
export function parseTraceparent(traceparent: string | undefined): TraceContext | undefined {
  const match = traceparent === undefined ? null : PATTERN.exec(traceparent);
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return traceId === ZERO_TRACE || spanId === ZERO_SPAN ? undefined : { traceId, spanId, flags };
}

export const formatTraceparent = (trace: TraceContext): string => `00-${trace.traceId}-${trace.spanId}-${trace.flags}`;

const storage = new AsyncLocalStorage<WorkContext>();

/** Runs `work` so that every log line below carries the context. */
export const runInContext = <T>(context: WorkContext, work: () => T): T => storage.run(context, work);

export const currentContext = (): WorkContext | undefined => storage.getStore();
