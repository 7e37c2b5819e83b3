import type { AppError } from '@warren/kernel';
import type { ConsumeMessage } from 'amqplib';
import type * as z from 'zod';
import type { Expiring } from './deadlines.ts';
import { raise } from './rabbit_errors.ts';
import type { RabbitMetrics } from './rabbit_metrics.ts';
import { decodeError, REPLY_ERROR, REPLY_OK } from './rpc_wire.ts';

/** Ways to end without an answer. */
export type CallFailure =
  | { readonly kind: 'no_route' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'link_lost' }
  | { readonly kind: 'aborted' };

/**
 * How a call ended. `no_route`: nothing was done. `timeout`, `link_lost`, `aborted`: the outcome is unknown, and the call
 * may be repeated with the same message id.
 */
export type RpcOutcome<Reply> =
  | { readonly kind: 'value'; readonly value: Reply }
  | { readonly kind: 'remote'; readonly error: AppError }
  | CallFailure;

const TIMEOUT: CallFailure = Object.freeze({ kind: 'timeout' });
export const NO_ROUTE: CallFailure = Object.freeze({ kind: 'no_route' });
export const LINK_LOST: CallFailure = Object.freeze({ kind: 'link_lost' });
const ABORTED: CallFailure = Object.freeze({ kind: 'aborted' });

const FAILURES = {
  no_route: 'SERVICE_UNAVAILABLE',
  timeout: 'SERVICE_TIMEOUT',
  link_lost: 'SERVICE_LINK_LOST',
  aborted: 'REQUEST_ABORTED',
} as const;

/** What `RpcClient.call` throws for an outcome without a value. */
export function outcomeError(outcome: Exclude<RpcOutcome<unknown>, { kind: 'value' }>): AppError {
  return outcome.kind === 'remote' ? outcome.error : raise(FAILURES[outcome.kind]);
}

/** A call that waits, whatever its reply. */
export interface WaitingCall extends Expiring {
  /** The broker user whose reply counts. */
  readonly answerer: string;
  receive(message: ConsumeMessage): void;
  fail(failure: CallFailure): void;
}

export type CallTable = Map<string, WaitingCall>;

/** One call between request and outcome. It is in the table exactly as long as it waits. */
export class PendingCall<S extends z.ZodType> implements WaitingCall {
  readonly deadline: number;
  readonly answerer: string;
  readonly #id: string;
  readonly #schema: S;
  readonly #owner: CallOwner;
  readonly #resolve: (outcome: RpcOutcome<z.output<S>>) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(owner: CallOwner, id: string, waiter: CallWaiter<S>) {
    this.deadline = waiter.deadline;
    this.answerer = waiter.answerer;
    this.#id = id;
    this.#schema = waiter.schema;
    this.#owner = owner;
    this.#resolve = waiter.resolve;
    this.#signal = waiter.signal;
    owner.calls.set(id, this);
    if (waiter.signal?.aborted === true) this.fail(ABORTED);
    else waiter.signal?.addEventListener('abort', this);
  }

  /** The listener of the signal. */
  handleEvent(): void {
    this.fail(ABORTED);
  }

  receive(message: ConsumeMessage): void {
    this.#settle(this.#read(message));
  }

  fail(failure: CallFailure): void {
    this.#settle(failure);
  }

  expire(): void {
    this.#settle(TIMEOUT);
  }

  #settle(outcome: RpcOutcome<z.output<S>>): void {
    if (!this.#owner.calls.delete(this.#id)) return;
    if (this.#signal !== undefined) this.#signal.removeEventListener('abort', this);
    this.#owner.metrics.calls.add(outcome.kind);
    this.#resolve(outcome);
  }

  #read(message: ConsumeMessage): RpcOutcome<z.output<S>> {
    const type: unknown = message.properties.type;
    if (type === REPLY_ERROR) return { kind: 'remote', error: decodeError(message.content) };
    if (type !== REPLY_OK) return broken(new Error('the reply has an unknown type'));
    try {
      const result = this.#schema.safeParse(JSON.parse(message.content.toString()));
      return result.success ? { kind: 'value', value: result.data } : broken(result.error);
    } catch (cause) {
      return broken(cause);
    }
  }
}

export interface CallOwner {
  readonly calls: CallTable;
  readonly metrics: RabbitMetrics;
}

export interface CallWaiter<S extends z.ZodType> {
  readonly schema: S;
  /** Monotonic milliseconds. */
  readonly deadline: number;
  readonly answerer: string;
  /** Ends the call when it is aborted. */
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: RpcOutcome<z.output<S>>) => void;
}

/** The other side answered with something that is not the contract's reply. */
function broken(cause: unknown): { readonly kind: 'remote'; readonly error: AppError } {
  return {
    kind: 'remote',
    error: raise('SERVICE_INTERNAL', { message: 'The reply does not fit its contract.', cause }),
  };
}
