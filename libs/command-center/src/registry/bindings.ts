import type { Contract, DtoOf, EventContract, Idempotency, PayloadOf } from '@warren/contracts';
import type { Container, Token } from '@warren/kernel';
import type * as z from 'zod';
import type { CommandContext } from '../command_context.ts';
import type { ApplyContext, CommandHandler, EventHandler } from '../command_handler.ts';
import { type RetryOptions, type RetryPolicy, retryPolicy, SEQUENCE_RETRY } from './retry_policy.ts';

/** A handler whose types were checked at its registration; payloads are what the binding's schema returned. */
export interface BoundHandler {
  /** False where `prepare` does nothing, which spares the look into the inbox before it. */
  readonly prepares?: boolean;
  prepare(payload: unknown, context: CommandContext): Promise<unknown>;
  apply(payload: unknown, context: ApplyContext, prepared: unknown): Promise<unknown>;
}

interface BindingBase {
  readonly name: string;
  readonly version: number;
  readonly schema: z.ZodType;
  readonly idempotency: Idempotency;
  readonly secretFields: readonly string[];
  readonly handlerName: string;
  readonly retry: RetryPolicy;
  readonly abortOnLeaseLoss: boolean;
  /** Takes the handler out of the container; once, at start. */
  readonly resolve: (container: Container) => BoundHandler;
}

/** What a registry line may say beyond contract and handler. */
export interface BindingOptions {
  /** Of durable commands and events; a request that somebody waits for is never tried again by the service. */
  readonly retry?: RetryOptions;
  /**
   * Aborts the handler when the broker takes the message back (its channel is gone): somebody else gets it too. For work
   * that is costly and can be cut short; without it the handler ends in peace, and the inbox keeps the effect single.
   * Commands in sequence always are: their key is somebody else's from then on.
   */
  readonly abortOnLeaseLoss?: boolean;
}

export interface CommandBinding extends BindingBase {
  readonly kind: 'command';
  readonly contract: Contract;
}

export interface EventBinding extends BindingBase {
  readonly kind: 'event';
  readonly event: EventContract;
  readonly group: string;
}

export type Binding = CommandBinding | EventBinding;

/** Binds a contract to its handler: a handler of another DTO or reply is a compile error on this line. */
export function command<C extends Contract, Prepared>(
  contract: C,
  handler: Token<CommandHandler<DtoOf<C>, z.input<C['reply']>, Prepared>>,
  options: BindingOptions = {},
): CommandBinding {
  if (options.retry !== undefined && !contract.ways.includes('command'))
    throw new TypeError(`${contract.name} is called by RPC only: its callers try again, not the service`);
  return {
    kind: 'command',
    ...policies(contract, options),
    schema: contract.dto,
    idempotency: contract.idempotency,
    secretFields: contract.secretFields,
    handlerName: handler.name,
    contract,
    resolve: (container) => {
      const inner = container.resolve(handler);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a payload is what contract.dto returned
      const dtoOf = (payload: unknown): DtoOf<C> => payload as DtoOf<C>;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- and this is what inner.prepare returned
      const ownOf = (prepared: unknown): Prepared => prepared as Prepared;
      return {
        prepares: inner.prepare !== undefined,
        prepare: async (payload, context) => inner.prepare?.(dtoOf(payload), context),
        apply: (payload, context, prepared) => inner.apply(dtoOf(payload), context, ownOf(prepared)),
      };
    },
  };
}

/** Binds an event of another service to a handler, in one of this service's event groups (its own queue). */
export function event<E extends EventContract>(
  contract: E,
  group: string,
  handler: Token<EventHandler<PayloadOf<E>>>,
  options: BindingOptions = {},
): EventBinding {
  return {
    kind: 'event',
    ...policies(contract, options),
    schema: contract.payload,
    idempotency: 'inbox',
    secretFields: contract.secretFields,
    handlerName: handler.name,
    event: contract,
    group,
    resolve: (container) => {
      const inner = container.resolve(handler);
      return {
        prepares: false,
        prepare: () => Promise.resolve(undefined),
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what contract.payload returned
        apply: (payload, context) => inner.apply(payload as PayloadOf<E>, context),
      };
    },
  };
}

function policies(
  contract: Contract | EventContract,
  { retry, abortOnLeaseLoss = false }: BindingOptions,
): Pick<BindingBase, 'name' | 'version' | 'retry' | 'abortOnLeaseLoss'> {
  const { name, version } = contract;
  const inSequence = 'order' in contract && contract.order === 'sequence';
  const defaults = inSequence ? SEQUENCE_RETRY : {};
  return {
    name,
    version,
    retry: retryPolicy(name, retry ?? defaults),
    abortOnLeaseLoss: abortOnLeaseLoss || inSequence,
  };
}
