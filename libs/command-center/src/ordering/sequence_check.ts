import { AppError } from '@warren/kernel';
import type { Delivery } from '@warren/rabbit';
import type { Binding } from '../registry/bindings.ts';
import { keyOf, writtenKey } from './order_key.ts';

/** A command that came back too often: most likely it ends the process each time. */
export const REDELIVERED = 'COMMAND_REDELIVERED';

/**
 * Below the limit at which the broker would park it without marking its key. Deliveries are counted by the broker, also
 * those that were never begun; so many without an end are no accident.
 */
const MAX_REDELIVERIES = 16;
const COUNT_HEADER = 'x-delivery-count';

/**
 * A message in sequence has waited in the line of the key that is written on it, which therefore has to be its own.
 * @throws AppError REQUEST_INVALID when it is not, COMMAND_REDELIVERED when it came back too often
 */
export function checkSequence(delivery: Delivery, binding: Binding, payload: unknown): void {
  if (binding.kind !== 'command' || binding.contract.order !== 'sequence') return;
  if (keyOf(binding.contract, payload) !== writtenKey(delivery)) {
    throw new AppError('REQUEST_INVALID', `The key on the message is not that of its ${binding.name}.`, {
      kind: 'invalid',
    });
  }
  const count = delivery.properties.headers?.[COUNT_HEADER];
  if (typeof count !== 'number' || count < MAX_REDELIVERIES) return;
  throw new AppError(REDELIVERED, `The message came back ${count} times without an end.`, { kind: 'internal' });
}
