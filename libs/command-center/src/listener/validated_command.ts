import type { Binding, BoundHandler } from '../registry/bindings.ts';

/** A command whose sender was allowed to send it and whose payload fits its schema. */
export interface ValidatedCommand {
  readonly binding: Binding;
  /** Resolved once, when the listener was built. */
  readonly handler: BoundHandler;
  /** What the binding's schema returned. */
  readonly payload: unknown;
}
