import { serviceOf } from '@warren/contracts';
import {
  AppError,
  type Clock,
  type Container,
  continueTrace,
  type JsonLimits,
  type Logger,
  parseJson,
  parseTraceparent,
} from '@warren/kernel';
import { type Delivery, EXCHANGE } from '@warren/rabbit';
import { isTracing, startSpan, type WorkSpan } from '@warren/telemetry';
import type * as z from 'zod';
import { CommandContext } from '../command_context.ts';
import { MESSAGE_ID } from '../message_id.ts';
import { checkSequence } from '../ordering/sequence_check.ts';
import type { Binding, BoundHandler } from '../registry/bindings.ts';
import type { SenderIdentity } from './sender_identity.ts';
import { timeLeftMs } from './time_left.ts';
import type { ValidatedCommand } from './validated_command.ts';

export interface MessageReaderDeps {
  readonly bindings: readonly Binding[];
  readonly container: Container;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sender: SenderIdentity;
  readonly processingTimeoutMs: number;
}

interface Known {
  readonly binding: Binding;
  readonly handler: BoundHandler;
  /** What nearly every message of it says. */
  readonly type: string;
}

/** More than any message can have had; a header beyond it is not ours. */
const MAX_ATTEMPTS_KNOWN = 1_000;
/** Services trust each other for size more than players, never without bound. */
const LIMITS: JsonLimits = { maxBytes: 256 * 1024, maxDepth: 32, maxKeys: 20_000 };
const MAX_FIELDS_SHOWN = 20;
const MAX_NAME_SHOWN = 100;
const TYPE = /^([a-z0-9_.]{1,200})@(\d{1,6})$/;

/** Turns a delivery into a validated command, or says what is wrong with it. */
export class MessageReader {
  readonly #deps: MessageReaderDeps;
  readonly #known = new Map<string, Known>();
  /** Names by the types that are expected, so that no message needs to have its type taken apart. */
  readonly #names = new Map<string, string>();

  constructor(deps: MessageReaderDeps) {
    this.#deps = deps;
    for (const binding of deps.bindings) {
      const type = `${binding.name}@${binding.version}`;
      this.#known.set(binding.name, { binding, handler: binding.resolve(deps.container), type });
      this.#names.set(type, binding.name);
    }
  }

  /** Whether this queue's service handles a command or event of this name. */
  knows(name: string): boolean {
    return this.#known.has(name);
  }

  /**
   * Who sent what, without looking at the body. `receivedAt` is the monotonic time of the delivery, `now` that of this moment.
   * @throws AppError REQUEST_INVALID for headers that make no sense
   */
  readContext(delivery: Delivery, receivedAt: number, now: number): CommandContext {
    const { properties } = delivery;
    const { clock, logger, sender, processingTimeoutMs } = this.#deps;
    const caller = sender.callerOf(delivery);
    const name = this.#nameOf(delivery);
    const traceparent = text(properties.headers?.['traceparent']);
    const span = isTracing() ? this.#startSpan(delivery, name, traceparent) : undefined;
    const timeLeft = timeLeftMs(delivery, clock.now() - (now - receivedAt));
    return new CommandContext(
      {
        name,
        messageId: properties.messageId ?? '',
        attempt: attemptOf(delivery),
        actor: sender.actorOf(delivery, caller),
        caller,
        trace: span?.trace ?? continueTrace(traceparent),
        span,
        // what a message waited for its slot is the sender's time, not the handler's
        deadline: Math.min(receivedAt + timeLeft, now + processingTimeoutMs),
      },
      clock,
      logger,
    );
  }

  /** @throws AppError COMMAND_UNKNOWN, ACCESS_FORBIDDEN, REQUEST_INVALID (with fields), REQUEST_TOO_LARGE */
  readCommand(delivery: Delivery, context: CommandContext): ValidatedCommand {
    const { properties } = delivery;
    const { binding, handler } = this.#find(delivery, context.name);
    if (!MESSAGE_ID.test(context.messageId)) {
      throw invalid('The message needs a messageId of 1 to 200 visible ASCII characters.');
    }
    if (properties.contentType !== 'application/json' || isEncoded(properties.contentEncoding)) {
      throw new AppError('REQUEST_MEDIA_UNSUPPORTED', 'Messages are application/json, not encoded.', {
        kind: 'unsupported',
      });
    }
    this.#authorise(binding, context);
    const result = binding.schema.safeParse(parseJson(delivery.body, LIMITS));
    if (!result.success) throw invalidPayload(binding.name, result.error);
    checkSequence(delivery, binding, result.data);
    return { binding, handler, payload: result.data };
  }

  /** A name that a sender made up must not become the name of a span. */
  #startSpan({ exchange }: Delivery, name: string, traceparent: string | undefined): WorkSpan | undefined {
    return startSpan({
      role: exchange === EXCHANGE.rpc ? 'server' : 'consumer',
      name: this.knows(name) ? name : 'unknown command',
      parent: parseTraceparent(traceparent),
      attributes: { 'messaging.system': 'rabbitmq', 'messaging.destination.name': exchange },
    });
  }

  /** `auth.register` of the type `auth.register@1`; without a type the routing key, which a copy does not have. */
  #nameOf(delivery: Delivery): string {
    const { type } = delivery.properties;
    if (type === undefined) return delivery.key;
    return this.#names.get(type) ?? TYPE.exec(type)?.[1] ?? type;
  }

  #find(delivery: Delivery, name: string): Known {
    const known = this.#known.get(name);
    const shown = name.slice(0, MAX_NAME_SHOWN);
    if (known === undefined) throw unknown(`There is no command ${shown} here.`);
    // rights on the broker are rights on routing keys: a type must not name another command than the key
    if (delivery.exchange !== EXCHANGE.deliver && !isKeyOf(delivery.key, name)) {
      throw invalid(`The routing key is not that of ${shown}.`);
    }
    const { type } = delivery.properties;
    if (type === undefined || type === known.type) return known;
    const version = TYPE.exec(type)?.[2];
    if (version !== undefined && Number(version) !== known.binding.version) {
      throw unknown(`Version ${version} of ${shown} is not known here: this service has ${known.binding.version}.`);
    }
    return known;
  }

  /**
   * Every sender that the contract does not name is refused, and an event of anybody but its owner. Rights on routing keys
   * do not do it alone: what a service's own queue dead-letters has whatever key that queue was declared with.
   */
  #authorise(binding: Binding, context: CommandContext): void {
    if (this.#deps.sender.unchecked) return;
    const isOwner = binding.kind === 'event' && context.caller === serviceOf(binding.name);
    if (isOwner || (binding.kind === 'command' && isAllowed(binding.contract.access, context))) return;
    throw new AppError('ACCESS_FORBIDDEN', `${context.caller} may not send ${binding.name} for this actor.`, {
      kind: 'forbidden',
    });
  }
}

/** Some libraries name the character set here. */
const isEncoded = (encoding: string | undefined): boolean =>
  encoding !== undefined && !/^(utf-?8|identity)?$/i.test(encoding);

type Access = Extract<Binding, { kind: 'command' }>['contract']['access'];

function isAllowed(access: Access, { caller, actor }: CommandContext): boolean {
  if (access.kind === 'service') return access.callers.includes(caller) && actor.kind === 'service';
  if (caller !== 'gateway') return false;
  if (access.kind === 'anonymous') return true;
  if (access.kind === 'player' && actor.kind === 'player') {
    return access.roles === undefined || access.roles.some((role) => actor.roles.includes(role));
  }
  return actor.kind === access.kind;
}

/** Keyed work adds its partition to the name: `allocator.assign_game.p3`. */
function isKeyOf(key: string, name: string): boolean {
  return key === name || (key.startsWith(`${name}.p`) && /^\d+$/.test(key.slice(name.length + 2)));
}

function attemptOf(delivery: Delivery): number {
  const value = delivery.properties.headers?.['warren-attempt'];
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_ATTEMPTS_KNOWN ? value : 1;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const invalid = (message: string): AppError => new AppError('REQUEST_INVALID', message, { kind: 'invalid' });
const unknown = (message: string): AppError => new AppError('COMMAND_UNKNOWN', message, { kind: 'not_found' });

function invalidPayload(name: string, error: z.ZodError): AppError {
  const fields = error.issues
    .slice(0, MAX_FIELDS_SHOWN)
    .map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  return new AppError('REQUEST_INVALID', `The payload of ${name} does not fit its schema.`, {
    kind: 'invalid',
    fields,
  });
}
