import type { EventContract, PayloadOf } from '@warren/contracts';
import * as z from 'zod';

/** Gives back why it cannot understand the payload, where that is so. */
type Listener = (payload: unknown) => Error | undefined;

/** Told of what a listener threw, and of payloads that do not fit their contract. */
type FaultListener = (fault: {
  readonly kind: 'listener' | 'payload';
  readonly type: string;
  readonly error: unknown;
}) => void;

/** Listeners by event type. A listener that throws harms neither the others nor the connection. */
export class EventFeed {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #onFault: FaultListener;

  constructor(onFault: FaultListener) {
    this.#onFault = onFault;
  }

  /** Calls `listener` with every event of this contract. Returns the function that ends it. */
  on<E extends EventContract>(event: E, listener: (payload: PayloadOf<E>) => void): () => void {
    const type = clientTypeOf(event);
    const checked: Listener = (payload) => {
      const parsed = z.safeParse<E['payload']>(event.payload, payload);
      if (parsed.success) listener(parsed.data);
      return parsed.error;
    };
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    set.add(checked);
    return () => {
      set.delete(checked);
      if (set.size === 0 && this.#listeners.get(type) === set) this.#listeners.delete(type);
    };
  }

  /**
   * The first event of this contract that `accept` takes.
   * @throws the signal's reason when it is aborted first, or what `accept` throws
   */
  once<E extends EventContract>(
    event: E,
    accept: (payload: PayloadOf<E>) => boolean,
    signal: AbortSignal,
  ): Promise<PayloadOf<E>> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(errorFrom(signal.reason));
      const end = (how: () => void): void => {
        stop();
        signal.removeEventListener('abort', onAbort);
        how();
      };
      const onAbort = (): void => end(() => reject(errorFrom(signal.reason)));
      const stop = this.on(event, (payload) => {
        try {
          if (accept(payload)) end(() => resolve(payload));
        } catch (error) {
          end(() => reject(errorFrom(error)));
        }
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Hands an event to its listeners, in the order in which they came. Never throws. */
  emit(type: string, payload: unknown): void {
    const listeners = this.#listeners.get(type);
    if (listeners === undefined) return;
    let unfit: Error | undefined;
    // a listener that is added meanwhile waits for the next event
    for (const listener of Array.from(listeners)) {
      if (!listeners.has(listener)) continue;
      try {
        unfit = listener(payload) ?? unfit;
      } catch (error) {
        this.#onFault({ kind: 'listener', type, error });
      }
    }
    // once per event, however many listen
    if (unfit !== undefined) this.#onFault({ kind: 'payload', type, error: unfit });
  }
}

const errorFrom = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

function clientTypeOf(event: EventContract): string {
  if (event.client === undefined) throw new TypeError(`${event.name} is not pushed to clients`);
  return event.client;
}
