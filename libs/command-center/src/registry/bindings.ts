import type { Contract, DtoOf, EventContract, Idempotency, PayloadOf } from '@warren/contracts';
import type { Container, Token } from '@warren/kernel';
import type * as z from 'zod';
import type { CommandContext } from '../command_context.ts';
import type { ApplyContext, CommandHandler, EventHandler } from '../command_handler.ts';

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
  /** Takes the handler out of the container; once, at start. */
  readonly resolve: (container: Container) => BoundHandler;
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
): CommandBinding {
  return {
    kind: 'command',
    name: contract.name,
    version: contract.version,
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
): EventBinding {
  return {
    kind: 'event',
    name: contract.name,
    version: contract.version,
    schema: contract.payload,
    idempotency: 'inbox',
    secretFields: [],
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
