import { type Contract, type ReplyOf, serviceOf } from '@warren/contracts';
import {
  type Clock,
  currentContext,
  formatTraceparent,
  type Logger,
  systemClock,
  type TraceContext,
} from '@warren/kernel';
import { isTracing, type Metrics, startSpan, type WorkSpan } from '@warren/telemetry';
import type { ConsumeMessage, Message, Options } from 'amqplib';
import type * as z from 'zod';
import { type Actor, encodeActor } from './actor.ts';
import { type BrokerIdentity, identityOf, userOfService } from './broker_identity.ts';
import { Deadlines } from './deadlines.ts';
import { checkBody, checkShort } from './message_limits.ts';
import {
  type CallOwner,
  type CallTable,
  LINK_LOST,
  NO_ROUTE,
  outcomeError,
  PendingCall,
  type RpcOutcome,
  type WaitingCall,
} from './pending_call.ts';
import { raise } from './rabbit_errors.ts';
import type { RabbitLink } from './rabbit_link.ts';
import { RabbitMetrics } from './rabbit_metrics.ts';
import { type ReplyAddress, ReplyQueue } from './reply_queue.ts';
import { EXCHANGE } from './topology.ts';
import { TransientPublisher } from './transient_publisher.ts';

const START_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 5;
const INSTANCE = /^[A-Za-z0-9_-]{1,64}$/;
/** Calls that wait for a reply at most; further ones end in SERVICE_OVERLOADED. */
const MAX_PENDING = 10_000;

export interface RpcClientDeps {
  /** Carries requests and replies: a broker that is under an alarm stops reading from it, and never stops delivering. */
  readonly publishLink: RabbitLink;
  /** Own broker user: part of the reply address, and checked by the broker on every message. */
  readonly user: string;
  /** Own service prefix. */
  readonly prefix: string;
  /** Unique among the processes of this user; letters, digits, `-` and `_`. */
  readonly instance: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
}

export interface CallOptions {
  /** Idempotency: the same id for every repetition of one call. */
  readonly messageId?: string;
  /** The contract's deadline unless said. */
  readonly deadlineMs?: number;
  /** On whose behalf; this service itself unless said. */
  readonly actor?: Actor;
  /** Gives up waiting; the other side goes on. */
  readonly signal?: AbortSignal;
}

/** What the messages of one contract have in common. */
interface Route {
  readonly type: string;
  /** Broker user of the service that owns the contract. */
  readonly answerer: string;
}

interface Request {
  readonly type: string;
  readonly trace: TraceContext | undefined;
  readonly id: string;
  readonly replyTo: string;
  readonly deadlineMs: number;
}

/** Calls other services and waits for their replies. One Map of pending calls and one timer serve all of them. */
export class RpcClient {
  readonly #deps: RpcClientDeps;
  readonly #identity: BrokerIdentity;
  readonly #clock: Clock;
  readonly #metrics: RabbitMetrics;
  readonly #owner: CallOwner;
  readonly #requests: TransientPublisher;
  readonly #replies: ReplyQueue;
  readonly #calls: CallTable = new Map();
  readonly #deadlines: Deadlines<WaitingCall>;
  readonly #routes = new Map<Contract, Route>();
  #counter = 0;

  constructor(deps: RpcClientDeps) {
    if (!INSTANCE.test(deps.instance)) throw new TypeError(`"${deps.instance}" cannot be a part of a queue name`);
    this.#deps = deps;
    this.#identity = identityOf(deps.user, deps.prefix);
    this.#clock = deps.clock ?? systemClock;
    this.#metrics = new RabbitMetrics(deps.metrics);
    this.#owner = { calls: this.#calls, metrics: this.#metrics };
    this.#deadlines = new Deadlines(() => this.#calls.values(), this.#clock);
    this.#requests = new TransientPublisher({
      link: deps.publishLink,
      subject: 'RPC requests',
      logger: deps.logger,
      onReturn: (message) => this.#returned(message),
      onLost: () => this.#lost(),
    });
    this.#replies = new ReplyQueue({
      link: deps.publishLink,
      user: deps.user,
      instance: deps.instance,
      logger: deps.logger,
      onReply: (message) => this.#replied(message),
      onLost: () => this.#lost(),
    });
  }

  /** Calls under way. */
  get pending(): number {
    return this.#calls.size;
  }

  /** Whether a call would be sent at this moment. */
  get ready(): boolean {
    return this.#requests.ready && this.#replies.address !== undefined && !this.#deps.publishLink.state.blocked;
  }

  /**
   * Resolves when replies can arrive.
   * @throws AppError SERVICE_UNAVAILABLE after 30 s, or why the broker refuses the reply queue; the client goes on trying
   */
  async start(): Promise<void> {
    this.#requests.start();
    this.#replies.start();
    await this.#untilReady();
  }

  /**
   * Calls a command and waits for its reply.
   * @throws AppError the remote error with its code, kind and retryable; SERVICE_UNAVAILABLE (nothing was done),
   * SERVICE_OVERLOADED (nothing was done), SERVICE_TIMEOUT, SERVICE_LINK_LOST, REQUEST_ABORTED (outcome unknown)
   */
  async call<C extends Contract>(contract: C, dto: z.input<C['dto']>, options: CallOptions = {}): Promise<ReplyOf<C>> {
    const outcome = await this.outcome(contract, dto, options);
    if (outcome.kind === 'value') return outcome.value;
    throw outcomeError(outcome);
  }

  /** As `call`, with every way to end as a value. Rejects only with MESSAGE_INVALID, a mistake of the caller. */
  outcome<C extends Contract>(
    contract: C,
    dto: z.input<C['dto']>,
    options: CallOptions = {},
  ): Promise<RpcOutcome<ReplyOf<C>>> {
    return new Promise((resolve) => this.#send(contract, dto, options, resolve));
  }

  /** Ends every pending call as `link_lost` and closes the reply queue. */
  async stop(): Promise<void> {
    this.#lost();
    this.#deadlines.stop();
    await Promise.all([this.#requests.stop(), this.#replies.stop()]);
  }

  #send<C extends Contract>(
    contract: C,
    dto: z.input<C['dto']>,
    options: CallOptions,
    resolve: (outcome: RpcOutcome<ReplyOf<C>>) => void,
  ): void {
    const address = this.#openAddress();
    if (address === undefined) {
      this.#metrics.calls.add('no_route');
      resolve(NO_ROUTE);
      return;
    }
    const deadlineMs = Math.max(1, Math.ceil(options.deadlineMs ?? contract.deadlineMs));
    const id = `${address.epoch}.${++this.#counter}`;
    const span = isTracing() ? startCall(contract) : undefined;
    const trace = span?.trace ?? currentContext()?.trace;
    const { type, answerer } = this.#routeOf(contract);
    const properties = this.#properties(options, { id, type, replyTo: address.replyTo, deadlineMs, trace });
    const body = Buffer.from(JSON.stringify(dto));
    checkBody(body);
    const call = new PendingCall<C['reply']>(this.#owner, id, {
      schema: contract.reply,
      answerer,
      signal: options.signal,
      deadline: this.#clock.monotonicMs() + deadlineMs,
      resolve: span === undefined ? resolve : endingWith(span, resolve),
    });
    this.#deadlines.watch(call.deadline);
    // given up before it was made
    if (!this.#calls.has(id)) return;
    if (this.#requests.publish(EXCHANGE.rpc, contract.name, body, properties) !== 'sent') call.fail(NO_ROUTE);
  }

  /** Where the reply may go; undefined while no call can be made. */
  #openAddress(): ReplyAddress | undefined {
    const full = this.#calls.size >= MAX_PENDING;
    return full || this.#deps.publishLink.state.blocked ? undefined : this.#replies.address;
  }

  #properties(options: CallOptions, request: Request): Options.Publish {
    const { id, type, replyTo, deadlineMs, trace } = request;
    const { messageId = id, actor } = options;
    checkShort(messageId, 'the message id');
    const now = this.#clock.now();
    const headers: Record<string, string | number> = { 'warren-deadline': now + deadlineMs };
    if (trace !== undefined) headers['traceparent'] = formatTraceparent(trace);
    if (actor !== undefined) Object.assign(headers, encodeActor(actor));
    return {
      mandatory: true,
      persistent: false,
      contentType: 'application/json',
      messageId,
      correlationId: id,
      replyTo,
      expiration: deadlineMs,
      type,
      userId: this.#deps.user,
      appId: this.#deps.prefix,
      timestamp: Math.floor(now / 1_000),
      headers,
    };
  }

  #routeOf(contract: Contract): Route {
    let route = this.#routes.get(contract);
    if (route === undefined) {
      const type = `${contract.name}@${contract.version}`;
      checkShort(type, 'the type');
      route = { type, answerer: userOfService(this.#identity, serviceOf(contract.name)) };
      this.#routes.set(contract, route);
    }
    return route;
  }

  #replied(message: ConsumeMessage): void {
    const id: unknown = message.properties.correlationId;
    const sender: unknown = message.properties.userId;
    const call = typeof id === 'string' ? this.#calls.get(id) : undefined;
    if (call === undefined) this.#metrics.replyDrops.add('late');
    else if (sender === call.answerer) call.receive(message);
    else this.#refused(call, sender);
  }

  /** Every service that answers RPC may write to our queue. The call goes on waiting for the one that it was made to. */
  #refused({ answerer }: WaitingCall, sender: unknown): void {
    this.#metrics.replyDrops.add('wrong_sender');
    this.#deps.logger.warn({ sender, answerer }, 'a reply of another user than the answering service was refused');
  }

  /** No replica of the service is alive: its queue is gone. */
  #returned(message: Message): void {
    const id: unknown = message.properties.correlationId;
    if (typeof id === 'string') this.#calls.get(id)?.fail(NO_ROUTE);
  }

  /** A request or its reply may have been on the way: nobody can tell. */
  #lost(): void {
    for (const call of this.#calls.values()) call.fail(LINK_LOST);
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        clearInterval(poll);
        settle();
      };
      const timer = setTimeout(
        () => finish(() => reject(this.#replies.lastError ?? raise('SERVICE_UNAVAILABLE'))),
        START_TIMEOUT_MS,
      );
      const poll = setInterval(() => {
        if (this.ready) finish(resolve);
      }, READY_POLL_MS);
    });
  }
}

function startCall(contract: Contract): WorkSpan | undefined {
  const attributes = { 'rpc.system': 'rabbitmq', 'rpc.method': contract.name };
  return startSpan({ role: 'client', name: contract.name, parent: currentContext()?.trace, attributes });
}

function endingWith<T>(span: WorkSpan, resolve: (outcome: RpcOutcome<T>) => void): (outcome: RpcOutcome<T>) => void {
  return (outcome) => {
    if (outcome.kind === 'remote') span.fail(outcome.error.code);
    else if (outcome.kind !== 'value') span.fail(outcome.kind);
    span.end();
    resolve(outcome);
  };
}
