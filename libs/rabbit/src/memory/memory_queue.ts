import type { Clock } from '@warren/kernel';
import { Backlog } from './backlog.ts';
import type { Lane } from './lanes.ts';
import type { QueueSettings } from './queue_settings.ts';
import { QueueTimer } from './queue_timer.ts';
import { type Entry, type StoredMessage, ttlOf } from './stored_message.ts';
import { type Subscriber, Subscribers } from './subscribers.ts';

export type DeathReason = 'rejected' | 'expired' | 'maxlen' | 'delivery_limit';

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
  readonly #backlog = new Backlog();
  readonly #subscribers: Subscribers;
  readonly #expiry: QueueTimer;
  readonly #end: QueueTimer;
  #position = 0;
  #deleted = false;

  constructor(deps: MemoryQueueDeps) {
    this.#deps = deps;
    this.settings = deps.settings;
    this.owner = deps.owner;
    this.disk = deps.disk;
    this.#subscribers = new Subscribers(deps.settings.singleActive);
    this.#expiry = new QueueTimer(deps.clock, () => this.#dispatch());
    this.#end = new QueueTimer(deps.clock, deps.onEnd);
    this.touch();
  }

  /** Messages that wait. */
  get ready(): number {
    return this.#backlog.size;
  }

  get consumers(): number {
    return this.#subscribers.size;
  }

  get heldExclusively(): boolean {
    return this.#subscribers.exclusive;
  }

  /** Takes a message, at its end or at a share of the way to it; false when it is full and does not want it. */
  push(message: StoredMessage, where?: number): boolean {
    if (this.#refuses()) return false;
    const now = this.#now();
    this.#backlog.add(this.#entryOf(message, now), where);
    this.#dispatch(now);
    if (this.settings.overflow === 'drop-head') this.#dropTooMany();
    return true;
  }

  /** The next message for one who asks. */
  take(): Entry | undefined {
    this.touch();
    this.#bury('overdue', this.#now());
    const entry = this.#backlog.takeFirst();
    this.#watchExpiry();
    return entry;
  }

  /** Back to the queue. A quorum queue with a limit counts. */
  giveBack(entry: Entry): void {
    if (this.#deleted) return;
    entry.redelivered = true;
    entry.returns++;
    const { deliveryLimit, type } = this.settings;
    const isOver = type === 'quorum' && deliveryLimit !== undefined && entry.returns > deliveryLimit;
    if (isOver) this.#deps.onDead(entry.message, 'delivery_limit');
    else this.#backlog.restore(entry, type);
    this.#dispatch();
  }

  reject(entry: Entry): void {
    if (!this.#deleted) this.#deps.onDead(entry.message, 'rejected');
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    this.#end.stop();
    this.#dispatch();
  }

  unsubscribe(subscriber: Subscriber): void {
    if (!this.#subscribers.remove(subscriber)) return;
    this.touch();
    if (this.settings.autoDelete && this.consumers === 0) this.#deps.onEnd();
    else this.#dispatch();
  }

  /** A subscriber has room again. */
  wake(): void {
    this.#dispatch();
  }

  /** Somebody uses the queue: `x-expires` counts from now. */
  touch(): void {
    const { expiresMs } = this.settings;
    if (expiresMs !== undefined && this.consumers === 0) this.#end.at(this.#now() + expiresMs);
  }

  /** Drops what waits and says how much that was. */
  purge(): number {
    const count = this.#backlog.takeAll().length;
    this.#watchExpiry();
    return count;
  }

  /** The queue is gone, with all that waited in it. */
  delete(): void {
    this.#deleted = true;
    this.#end.stop();
    this.purge();
    for (const subscriber of this.#subscribers.removeAll()) subscriber.canceled();
  }

  /** The broker was restarted. */
  restart(): void {
    this.#subscribers.removeAll();
    this.#backlog.keepStored(this.settings.type);
    this.touch();
    this.#watchExpiry();
  }

  #refuses(): boolean {
    const { maxLength, overflow, type } = this.settings;
    if (maxLength === undefined || overflow !== 'reject-publish') return false;
    // A quorum queue notices that it is full when it holds one too many.
    return type === 'classic' ? this.ready >= maxLength : this.ready > maxLength;
  }

  #dropTooMany(): void {
    const { maxLength = Number.POSITIVE_INFINITY } = this.settings;
    while (this.ready > maxLength) {
      const dropped = this.#backlog.takeFirst();
      if (dropped !== undefined) this.#deps.onDead(dropped.message, 'maxlen');
    }
    this.#watchExpiry();
  }

  #entryOf(message: StoredMessage, now: number): Entry {
    const never = Number.POSITIVE_INFINITY;
    const ttl = Math.min(this.settings.messageTtlMs ?? never, ttlOf(message) ?? never);
    const expiresAt = ttl === never ? undefined : now + ttl;
    return { message, position: this.#position++, expiresAt, returns: 0, redelivered: false };
  }

  /** Hands out what it can. */
  #dispatch(now = this.#now()): void {
    this.#bury('overdue', now);
    while (this.ready > 0) {
      const subscriber = this.#subscribers.next();
      const entry = subscriber === undefined ? undefined : this.#backlog.takeFirst();
      if (entry === undefined) break;
      subscriber?.deliver(entry);
      this.#bury('overdue', now);
    }
    this.#bury('due', now);
    this.#watchExpiry();
  }

  #bury(which: 'due' | 'overdue', now: number): void {
    for (const { message } of this.#backlog.takeExpired(which, now)) this.#deps.onDead(message, 'expired');
  }

  #watchExpiry(): void {
    const { nextExpiry } = this.#backlog;
    if (nextExpiry === undefined) this.#expiry.stop();
    else this.#expiry.at(nextExpiry);
  }

  #now(): number {
    return this.#deps.clock.monotonicMs();
  }
}
