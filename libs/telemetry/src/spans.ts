import { type Attributes, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { TraceContext } from '@warren/kernel';

/** Who waits for whom: `server` answers, `client` waits, `producer` sends, `consumer` works off, `internal` is neither. */
type SpanRole = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

export interface SpanSpec {
  readonly role: SpanRole;
  /** Low in number: `POST /v1/tickets`, `coordinator.create_ticket`, `sql`. */
  readonly name: string;
  /** The work that this belongs to; without one a trace begins. */
  readonly parent?: TraceContext | undefined;
  /** Names of the semantic conventions where there is one. Never a secret, never a body. */
  readonly attributes?: Attributes;
  /** Monotonic milliseconds (performance.now) at which it began, where that is past. */
  readonly startedAt?: number;
}

/** One span of a trace, as the rest of the house knows it. */
export interface WorkSpan {
  /** What the next hop gets as its parent. */
  readonly trace: TraceContext;
  /** It ended badly; `code` is the stable code of the error. */
  fail(code: string): void;
  /** Once; a second call does nothing. */
  end(): void;
}

const KINDS: Readonly<Record<SpanRole, SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/** Set once at start, before anything is traced: this process exports spans. */
let exporting = false;

/** Called by the module that registers the SDK. */
export function exportSpans(): void {
  exporting = true;
}

/** Whether spans are exported; asked where making the arguments of `startSpan` would cost something. */
export const isTracing = (): boolean => exporting;

/** Begins a span. Undefined while no spans are exported, which costs one comparison. */
export function startSpan(spec: SpanSpec): WorkSpan | undefined {
  return exporting ? new OtelSpan(spec) : undefined;
}

class OtelSpan implements WorkSpan {
  readonly trace: TraceContext;
  readonly #span: Span;
  #ended = false;

  constructor({ role, name, parent, attributes, startedAt }: SpanSpec) {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote(parent));
    const options = {
      kind: KINDS[role],
      ...(attributes === undefined ? {} : { attributes }),
      ...(startedAt === undefined ? {} : { startTime: performance.timeOrigin + startedAt }),
    };
    this.#span = trace.getTracer('warren').startSpan(name, options, context);
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    this.trace = { traceId, spanId, flags: traceFlags.toString(16).padStart(2, '0') };
  }

  fail(code: string): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    this.#span.setAttribute('error.type', code);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#span.end();
  }
}

function remote({ traceId, spanId, flags }: TraceContext): Parameters<typeof trace.setSpanContext>[1] {
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
