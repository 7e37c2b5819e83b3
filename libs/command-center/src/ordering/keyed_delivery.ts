import type { Delivery } from '@warren/rabbit';

/** A partition from its claim to its end. One that is lost and taken again is another one, with messages of its own. */
export interface HeldPartition {
  /** Given away: nothing of it is begun any more. */
  leaving: boolean;
  /** Its messages in the hands of the listener. */
  out: number;
  onEmpty: (() => void) | undefined;
}

/** One message of a partition while it is in our hands, through all its runs. */
export interface KeyedEntry {
  readonly raw: Delivery;
  readonly key: string;
  readonly partition: HeldPartition;
  /** Queue it came from, and to which a replay sends it. */
  readonly queue: string;
  /** Of the next run; what the message says until the first retry. */
  attempt: number | undefined;
  /** How often it has waited for its twin. */
  busy: number;
  /** In the hands of the listener. */
  out: boolean;
}

/** What becomes of a message after a run. */
export interface KeyedOwner {
  settled(entry: KeyedEntry): void;
  /** Not begun, or cut short: it is its key's turn still. */
  returned(entry: KeyedEntry): void;
  /** Tried again in place; the key waits. */
  again(entry: KeyedEntry, ms: number): void;
}

/**
 * One run of a message in sequence, as the listener sees it. Handing it back leaves it in our hands and its key's turn;
 * only an ack goes to the broker.
 */
export class KeyedDelivery implements Delivery {
  readonly entry: KeyedEntry;
  readonly properties: Delivery['properties'];
  readonly #owner: KeyedOwner;
  #settled = false;

  constructor(entry: KeyedEntry, owner: KeyedOwner) {
    const { raw, attempt } = entry;
    const { properties } = raw;
    this.entry = entry;
    this.#owner = owner;
    this.properties =
      attempt === undefined
        ? properties
        : { ...properties, headers: { ...properties.headers, 'warren-attempt': attempt } };
  }

  get body(): Buffer {
    return this.entry.raw.body;
  }

  get key(): string {
    return this.entry.raw.key;
  }

  get exchange(): string {
    return this.entry.raw.exchange;
  }

  get redelivered(): boolean {
    return this.entry.raw.redelivered;
  }

  get settled(): boolean {
    return this.#settled;
  }

  get lost(): boolean {
    return this.entry.raw.lost;
  }

  ack(): void {
    if (!this.#settleOnce()) return;
    this.entry.raw.ack();
    this.#owner.settled(this.entry);
  }

  requeue(): void {
    this.again(0);
  }

  nack(): void {
    if (this.#settleOnce()) this.#owner.returned(this.entry);
  }

  /** Runs it again after `ms`, as run number `attempt` where that is given. */
  again(ms: number, attempt?: number): void {
    if (!this.#settleOnce()) return;
    if (attempt !== undefined) this.entry.attempt = attempt;
    this.#owner.again(this.entry, ms);
  }

  #settleOnce(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    return true;
  }
}
