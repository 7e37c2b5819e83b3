import type { Clock } from '@warren/kernel';
import { EntryList } from './entry_list.ts';
import type { Lane } from './lanes.ts';
import type { QueueSettings } from './queue_settings.ts';
import { QueueTimer } from './queue_timer.ts';
import { type Entry, PERSISTENT, type StoredMessage, ttlOf } from './stored_message.ts';

export type DeathReason = 'rejected' | 'expired' | 'maxlen' | 'delivery_limit';

/** Who gets messages of a queue. */
export interface Subscriber {
  readonly exclusive: boolean;
  /** Whether it takes one more message now. */
  readonly hungry: boolean;
  deliver(entry: Entry): void;
  /** The queue is gone. */
  canceled(): void;
}

export interface MemoryQueueDeps {
  readonly settings: QueueSettings;
  /** The connection that alone may use the queue; undefined for a queue of everybody. */
  readonly owner: object | undefined;
  readonly clock: Clock;
  /** What the queue stores becomes safe in this order; publishers are told then. */
  readonly disk: Lane;
  /** A message left the queue without an ack; it is gone unless a dead letter exchange is set. */
  readonly onDead: (message: StoredMessage, reason: DeathReason) => void;
  /** Nobody used the queue for `x-expires`, or the last consumer of an auto-delete queue left. */
  readonly onEnd: () => void;
}

/** One queue, of either type. It never calls anybody who could call it back. */
export class MemoryQueue {
  readonly settings: QueueSettings;
  readonly owner: object | undefined;
  readonly disk: Lane;
  readonly #deps: MemoryQueueDeps;
  readonly #waiting = new EntryList();
  /** What came back to a quorum queue: it goes out again before everything else. */
  readonly #returned = new EntryList();
  readonly #expiry: QueueTimer;
  readonly #end: QueueTimer;
  #subscribers: Subscriber[] = [];
  #position = 0;
  #deleted = false;

  constructor(deps: MemoryQueueDeps) {
    this.#deps = deps;
    this.settings = deps.settings;
    this.owner = deps.owner;
    this.disk = deps.disk;
    this.#expiry = new QueueTimer(deps.clock, () => this.#dispatch());
    this.#end = new QueueTimer(deps.clock, deps.onEnd);
    this.touch();
  }

  /** Messages that wait. */
  get ready(): number {
    return this.#waiting.size + this.#returned.size;
  }

  get consumers(): number {
    return this.#subscribers.length;
  }

  get heldExclusively(): boolean {
    return this.#subscribers.some((subscriber) => subscriber.exclusive);
  }

  /** Takes a message, at its end or at a share of the way to it; false when it is full and does not want it. */
  push(message: StoredMessage, where?: number): boolean {
    if (this.#refuses()) return false;
    const now = this.#now();
    const entry = this.#entryOf(message, now);
    if (where === undefined) this.#waiting.add(entry);
    else this.#waiting.insert(entry, where);
    this.#dispatch(now);
    this.#dropTooMany();
    return true;
  }

  /** The next message for one who asks. */
  take(): Entry | undefined {
    this.touch();
    this.#expire('overdue', this.#now());
    const entry = this.#next();
    this.#watchExpiry();
    return entry;
  }

  /** Back to the queue. A quorum queue with a limit counts. */
  giveBack(entry: Entry): void {
    if (this.#deleted) return;
    entry.redelivered = true;
    entry.returns++;
    const { deliveryLimit, type } = this.settings;
    const overLimit = type === 'quorum' && deliveryLimit !== undefined && entry.returns > deliveryLimit;
    if (overLimit) this.#deps.onDead(entry.message, 'delivery_limit');
    else if (type === 'quorum') this.#returned.add(entry);
    else this.#waiting.restore(entry);
    this.#dispatch();
  }

  reject(entry: Entry): void {
    if (!this.#deleted) this.#deps.onDead(entry.message, 'rejected');
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.push(subscriber);
    this.#end.stop();
    this.#dispatch();
  }

  unsubscribe(subscriber: Subscriber): void {
    const before = this.#subscribers.length;
    this.#subscribers = this.#subscribers.filter((other) => other !== subscriber);
    if (this.#subscribers.length === before) return;
    this.touch();
    if (this.settings.autoDelete && this.#subscribers.length === 0) this.#deps.onEnd();
    else this.#dispatch();
  }

  /** A subscriber has room again. */
  wake(): void {
    this.#dispatch();
  }

  /** Somebody uses the queue: `x-expires` counts from now. */
  touch(): void {
    const { expiresMs } = this.settings;
    if (expiresMs !== undefined && this.#subscribers.length === 0) this.#end.at(this.#now() + expiresMs);
  }

  /** Drops what waits; resolves to how much that was. */
  purge(): number {
    const count = this.#returned.takeAll().length + this.#waiting.takeAll().length;
    this.#watchExpiry();
    return count;
  }

  /** The queue is gone, with all that waited in it. */
  delete(): void {
    this.#deleted = true;
    this.#end.stop();
    this.purge();
    for (const subscriber of this.#subscribers.splice(0)) subscriber.canceled();
  }

  /** The broker was restarted: a classic queue has lost what was not persistent. */
  restart(): void {
    this.#subscribers = [];
    for (const entry of [...this.#returned.takeAll(), ...this.#waiting.takeAll()]) {
      const kept = this.settings.type === 'quorum' || entry.message.properties.deliveryMode === PERSISTENT;
      if (kept) this.#waiting.add(entry);
    }
    this.touch();
    this.#watchExpiry();
  }

  #refuses(): boolean {
    const { maxLength, overflow, type } = this.settings;
    if (maxLength === undefined || overflow !== 'reject-publish') return false;
    if (type === 'classic') return this.ready >= maxLength;
    // A quorum queue notices that it is full when it holds one too many.
    return this.ready > maxLength;
  }

  #dropTooMany(): void {
    const { maxLength, overflow } = this.settings;
    if (maxLength === undefined || overflow !== 'drop-head') return;
    while (this.ready > maxLength) {
      const dropped = this.#next();
      if (dropped !== undefined) this.#deps.onDead(dropped.message, 'maxlen');
    }
    this.#watchExpiry();
  }

  #entryOf(message: StoredMessage, now: number): Entry {
    const ttl = Math.min(
      this.settings.messageTtlMs ?? Number.POSITIVE_INFINITY,
      ttlOf(message) ?? Number.POSITIVE_INFINITY,
    );
    const expiresAt = Number.isFinite(ttl) ? now + ttl : undefined;
    return { message, position: this.#position++, expiresAt, returns: 0, redelivered: false };
  }

  #next(): Entry | undefined {
    return this.#returned.takeFirst() ?? this.#waiting.takeFirst();
  }

  /** Hands out what it can, to each subscriber in turn. */
  #dispatch(now = this.#now()): void {
    for (let subscriber = this.#hungry(); this.ready > 0 && subscriber !== undefined; subscriber = this.#hungry()) {
      this.#expire('overdue', now);
      const entry = this.#next();
      if (entry === undefined) break;
      this.#lastInTurn(subscriber);
      subscriber.deliver(entry);
    }
    this.#expire('due', now);
    this.#watchExpiry();
  }

  #hungry(): Subscriber | undefined {
    if (this.settings.singleActive) return this.#subscribers[0]?.hungry === true ? this.#subscribers[0] : undefined;
    return this.#subscribers.find((subscriber) => subscriber.hungry);
  }

  #lastInTurn(subscriber: Subscriber): void {
    if (this.settings.singleActive) return;
    this.#subscribers = [...this.#subscribers.filter((other) => other !== subscriber), subscriber];
  }

  /**
   * RabbitMQ looks at the first message only: one behind it stays until it is the first itself. A message that may live
   * for no time at all still goes to a consumer who waits for it, so what is just due is not dropped before it was offered.
   */
  #expire(which: 'due' | 'overdue', now: number): void {
    const isOver = (at: number | undefined): boolean => at !== undefined && (which === 'due' ? at <= now : at < now);
    for (const list of [this.#returned, this.#waiting]) {
      for (let first = list.first; first !== undefined && isOver(first.expiresAt); first = list.first) {
        list.takeFirst();
        this.#deps.onDead(first.message, 'expired');
      }
    }
  }

  #watchExpiry(): void {
    const due = [this.#returned.first?.expiresAt, this.#waiting.first?.expiresAt].filter((at) => at !== undefined);
    if (due.length === 0) this.#expiry.stop();
    else this.#expiry.at(Math.min(...due));
  }

  #now(): number {
    return this.#deps.clock.monotonicMs();
  }
}
