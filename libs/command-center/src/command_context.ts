import { type Clock, formatTraceparent, type Logger, type TraceContext } from '@warren/kernel';
import type { Actor } from '@warren/rabbit';
import type { WorkSpan } from '@warren/telemetry';

/** What is known of one message before it is worked on. */
export interface CommandEnvelope {
  /** Contract or event name. */
  readonly name: string;
  readonly messageId: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly actor: Actor;
  /** Prefix of the service that sent the message, checked by the broker. */
  readonly caller: string;
  readonly trace: TraceContext;
  /** Only while spans are exported; ended with the message. */
  readonly span?: WorkSpan | undefined;
  /** Monotonic milliseconds at which the work is given up. */
  readonly deadline: number;
}

/**
 * What a handler knows of the message that it works on. One instance per message, so everything that costs is made on
 * demand.
 */
export class CommandContext implements CommandEnvelope {
  readonly name: string;
  readonly messageId: string;
  readonly attempt: number;
  readonly actor: Actor;
  readonly caller: string;
  readonly trace: TraceContext;
  readonly span: WorkSpan | undefined;
  readonly deadline: number;
  readonly #clock: Clock;
  readonly #parentLogger: Logger;
  #controller: AbortController | undefined;
  #logger: Logger | undefined;
  #abortReason: Error | undefined;

  constructor(envelope: CommandEnvelope, clock: Clock, logger: Logger) {
    this.name = envelope.name;
    this.messageId = envelope.messageId;
    this.attempt = envelope.attempt;
    this.actor = envelope.actor;
    this.caller = envelope.caller;
    this.trace = envelope.trace;
    this.span = envelope.span;
    this.deadline = envelope.deadline;
    this.#clock = clock;
    this.#parentLogger = logger;
  }

  /** Aborted when the time is over or the service stops: whatever was not committed then must not be. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#abortReason !== undefined;
  }

  get logger(): Logger {
    this.#logger ??= this.#parentLogger.child({ command: this.name, messageId: this.messageId, attempt: this.attempt });
    return this.#logger;
  }

  /** Milliseconds left, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.deadline - this.#clock.monotonicMs());
  }

  get traceparent(): string {
    return formatTraceparent(this.trace);
  }

  /** Ends the work from outside; see `signal`. */
  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  /** @throws the reason, when the work was given up meanwhile. Called right before every commit. */
  throwIfAborted(): void {
    if (this.#abortReason !== undefined) throw this.#abortReason;
  }
}
