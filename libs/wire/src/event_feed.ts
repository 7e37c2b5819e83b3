import type { EventContract, PayloadOf } from '@warren/contracts';

type Listener = (payload: unknown) => void;

/** Listeners by event type. */
export class EventFeed {
  readonly #listeners = new Map<string, Set<Listener>>();

  /** Calls `listener` with every event of this contract. Returns the function that ends it. */
  on<E extends EventContract>(event: E, listener: (payload: PayloadOf<E>) => void): () => void {
    const type = clientTypeOf(event);
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    const checked: Listener = (payload) => listener(event.payload.parse(payload) as PayloadOf<E>);
    set.add(checked);
    return () => set.delete(checked);
  }

  /** The first event of this contract that `accept` takes. @throws the signal's reason when it is aborted first */
  once<E extends EventContract>(event: E, accept: (payload: PayloadOf<E>) => boolean, signal: AbortSignal): Promise<PayloadOf<E>> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        stop();
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const stop = this.on(event, (payload) => {
        if (!accept(payload)) return;
        stop();
        signal.removeEventListener('abort', onAbort);
        resolve(payload);
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  emit(type: string, payload: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(payload);
  }
}

function clientTypeOf(event: EventContract): string {
  if (event.client === undefined) throw new TypeError(`${event.name} is not pushed to clients`);
  return event.client;
}
