import { AppError, type Clock, continueTrace, type Container, type JsonLimits, type Logger, parseJson } from '@warren/kernel';
import { type Actor, decodeActor, type Delivery } from '@warren/rabbit';
import type * as z from 'zod';
import { CommandContext } from '../command_context.ts';
import type { Binding, BoundHandler } from '../registry/bindings.ts';
import type { ValidatedCommand } from './validated_command.ts';

export interface MessageReaderDeps {
  readonly bindings: readonly Binding[];
  readonly container: Container;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Prefix of this service and what stands before prefixes in broker user names. */
  readonly prefix: string;
  readonly userPrefix: string;
  /** Development on a broker without own users: senders cannot be told apart. */
  readonly singleUser: boolean;
  readonly processingTimeoutMs: number;
}

interface Known {
  readonly binding: Binding;
  readonly handler: BoundHandler;
  readonly limits: JsonLimits;
}

const MAX_ATTEMPTS_KNOWN = 1_000;
/** Services trust each other for size more than players, never without bound. */
const INTERNAL_LIMITS: JsonLimits = { maxBytes: 256 * 1024, maxDepth: 32, maxKeys: 20_000 };
/** Services whose dead-letter replays and retry copies may name another sender. */
const OPS = 'ops';

/** Turns a delivery into a validated command, or says what is wrong with it. */
export class MessageReader {
  readonly #deps: MessageReaderDeps;
  readonly #known = new Map<string, Known>();

  constructor(deps: MessageReaderDeps) {
    this.#deps = deps;
    for (const binding of deps.bindings) {
      const bytes = binding.kind === 'command' ? Math.max(binding.contract.limits.maxBytes, INTERNAL_LIMITS.maxBytes) : INTERNAL_LIMITS.maxBytes;
      this.#known.set(binding.name, { binding, handler: binding.resolve(deps.container), limits: { ...INTERNAL_LIMITS, maxBytes: bytes } });
    }
  }

  /** Who sent what, without looking at the body. @throws AppError for headers that make no sense */
  readContext(delivery: Delivery): CommandContext {
    const { properties } = delivery;
    const { clock, logger, processingTimeoutMs } = this.#deps;
    const now = clock.monotonicMs();
    const caller = this.#caller(delivery);
    const timeLeft = this.#timeLeft(delivery);
    return new CommandContext(
      {
        name: nameOf(properties.type) ?? delivery.key,
        messageId: properties.messageId ?? '',
        attempt: this.#attempt(delivery),
        actor: this.#actor(delivery, caller),
        caller,
        trace: continueTrace(text(properties.headers?.['traceparent'])),
        deadline: now + Math.min(timeLeft, processingTimeoutMs),
      },
      clock,
      logger,
    );
  }

  /** @throws AppError COMMAND_UNKNOWN, ACCESS_FORBIDDEN, REQUEST_INVALID (with fields), REQUEST_TOO_LARGE */
  readCommand(delivery: Delivery, context: CommandContext): ValidatedCommand {
    const { properties } = delivery;
    const known = this.#known.get(context.name);
    if (known === undefined) {
      throw new AppError('COMMAND_UNKNOWN', `There is no command ${context.name.slice(0, 100)} here.`, { kind: 'not_found' });
    }
    if (context.messageId === '') throw new AppError('REQUEST_INVALID', 'The message has no messageId.', { kind: 'invalid' });
    if (properties.contentType !== 'application/json') {
      throw new AppError('REQUEST_MEDIA_UNSUPPORTED', 'Messages are application/json, not encoded.', { kind: 'unsupported' });
    }
    this.#authorise(known.binding, context);
    const result = known.binding.schema.safeParse(parseJson(delivery.body, known.limits));
    if (!result.success) throw invalidPayload(known.binding.name, result.error);
    return { binding: known.binding, handler: known.handler, payload: result.data };
  }

  /** Every sender that the contract does not name is refused. */
  #authorise(binding: Binding, context: CommandContext): void {
    if (binding.kind === 'event' || this.#deps.singleUser) return;
    const { access } = binding.contract;
    const { caller, actor } = context;
    const allowed =
      access.kind === 'service'
        ? access.callers.includes(caller) && actor.kind === 'service'
        : caller === 'gateway' && (actor.kind === access.kind || access.kind === 'anonymous');
    if (!allowed) throw new AppError('ACCESS_FORBIDDEN', `${caller} may not send ${binding.name} for this actor.`, { kind: 'forbidden' });
  }

  /** The broker checks userId against the connection; a copy of our own or of ops may stand for its first sender. */
  #caller(delivery: Delivery): string {
    const { properties } = delivery;
    const { prefix, singleUser } = this.#deps;
    if (singleUser) return properties.appId ?? 'unknown';
    const sender = this.#withoutUserPrefix(properties.userId);
    const origin = text(properties.headers?.['warren-origin-user']);
    if (origin !== undefined && (sender === prefix || sender === OPS)) return this.#withoutUserPrefix(origin);
    return sender;
  }

  #withoutUserPrefix(user: string | undefined): string {
    const { userPrefix } = this.#deps;
    if (user === undefined || !user.startsWith(userPrefix)) return 'unknown';
    return user.slice(userPrefix.length);
  }

  /** Only the gateway speaks for players and servers; any other service speaks for itself. */
  #actor(delivery: Delivery, caller: string): Actor {
    if (caller !== 'gateway' && !this.#deps.singleUser) return { kind: 'service', id: caller };
    const actor = decodeActor(delivery.properties.headers, caller);
    if (actor === undefined) throw new AppError('REQUEST_INVALID', 'The headers do not say for whom the message speaks.', { kind: 'invalid' });
    return actor;
  }

  #attempt(delivery: Delivery): number {
    const value = delivery.properties.headers?.['warren-attempt'];
    return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_ATTEMPTS_KNOWN ? value : 1;
  }

  /** Milliseconds until the sender gives up. Clocks differ between machines, so more than the own timeout is never granted. */
  #timeLeft(delivery: Delivery): number {
    const deadline = delivery.properties.headers?.['warren-deadline'];
    return typeof deadline === 'number' && Number.isFinite(deadline) ? deadline - this.#deps.clock.now() : this.#deps.processingTimeoutMs;
  }
}

/** `auth.register` of `auth.register@1`. */
function nameOf(type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  const at = type.indexOf('@');
  return at > 0 ? type.slice(0, at) : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const MAX_FIELDS_SHOWN = 20;

function invalidPayload(name: string, error: z.ZodError): AppError {
  const fields = error.issues.slice(0, MAX_FIELDS_SHOWN).map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  return new AppError('REQUEST_INVALID', `The payload of ${name} does not fit its schema.`, { kind: 'invalid', fields });
}
