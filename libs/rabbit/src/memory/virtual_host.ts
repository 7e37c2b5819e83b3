import type { Options } from 'amqplib';
import { deadLetter, goesInCircles } from './death.ts';
import { ExchangeTable } from './exchange_table.ts';
import type { Lane, Lanes } from './lanes.ts';
import { type DeathReason, MemoryQueue } from './memory_queue.ts';
import { checkSame, type QueueSettings, queueSettings } from './queue_settings.ts';
import { Refusal } from './refusal.ts';
import type { StoredMessage } from './stored_message.ts';

/** How long a safe dead letter waits that found no place. RabbitMQ tries again after about three minutes. */
const DEAD_LETTER_RETRY_MS = 180_000;
/** Random bits of a name that the broker makes up. */
const NAME_DIGITS = 16;

/** What became of a published message. */
export interface Placed {
  /** Queues that were meant. */
  readonly queues: readonly MemoryQueue[];
  /** One of them was full and refused it. */
  readonly refused: boolean;
}

/** Exchanges, queues and bindings: what a broker has in one vhost. */
export class VirtualHost {
  readonly name: string;
  readonly exchanges: ExchangeTable;
  readonly #lanes: Lanes;
  readonly #queues = new Map<string, MemoryQueue>();
  /** Dead letters on their way between queues. */
  readonly #letters: Lane;

  constructor(name: string, lanes: Lanes) {
    this.name = name;
    this.#lanes = lanes;
    this.exchanges = new ExchangeTable(name);
    this.#letters = lanes.open();
  }

  get queueNames(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** @throws Refusal 404 without the queue, 405 when it belongs to another connection */
  queue(name: string, user?: object): MemoryQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new Refusal(404, `no queue '${name}' in vhost '${this.name}'`);
    if (user !== undefined && queue.owner !== undefined && queue.owner !== user) throw this.#locked(name);
    queue.touch();
    return queue;
  }

  /** Declares a queue for a connection. @throws Refusal 403 (reserved name), 405, 406 */
  declareQueue(given: string, options: Options.AssertQueue, user: object): MemoryQueue {
    const name = given === '' ? this.madeUpName('amq.gen') : given;
    const settings = queueSettings(name, options, this.name);
    const existing = this.#queues.get(name);
    if (existing !== undefined) {
      if (existing.owner !== (settings.exclusive ? user : undefined)) throw this.#locked(name);
      checkSame(existing.settings, settings, this.name);
      existing.touch();
      return existing;
    }
    if (given.startsWith('amq.')) throw new Refusal(403, `queue name '${name}' contains reserved prefix 'amq.*'`);
    const queue = new MemoryQueue({
      settings,
      owner: settings.exclusive ? user : undefined,
      clock: this.#lanes.clock,
      disk: this.#lanes.open(),
      onDead: (message, reason) => this.#died(settings, message, reason),
      onEnd: () => this.deleteQueue(name),
    });
    this.#queues.set(name, queue);
    return queue;
  }

  /** Removes a queue if it is there. */
  deleteQueue(name: string): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) return;
    this.#queues.delete(name);
    this.exchanges.unbindAll(name);
    queue.delete();
  }

  /** Removes the queues that belong to a connection alone. */
  forget(owner: object): void {
    for (const [name, queue] of this.#queues) if (queue.owner === owner) this.deleteQueue(name);
  }

  /** Puts a message into every queue that it is meant for. `where`: see MemoryQueue.push. */
  place(message: StoredMessage, where?: number): Placed {
    const queues = this.#targets(message);
    const accepted = queues.map((queue) => queue.push(message, where));
    return { queues, refused: accepted.includes(false) };
  }

  /** What a restart leaves: durable queues with the messages that were stored. */
  restart(): void {
    for (const [name, queue] of this.#queues) {
      if (queue.settings.durable && queue.owner === undefined) queue.restart();
      else this.deleteQueue(name);
    }
  }

  /** Ends every timer. */
  close(): void {
    for (const name of this.queueNames) this.deleteQueue(name);
  }

  madeUpName(prefix: string): string {
    const digits = Array.from({ length: NAME_DIGITS }, () => Math.floor(this.#lanes.rng.next() * 16).toString(16));
    return `${prefix}-${digits.join('')}`;
  }

  #targets({ exchange, key }: StoredMessage): readonly MemoryQueue[] {
    const names = this.exchanges.route(exchange, key);
    return names.map((name) => this.#queues.get(name)).filter((queue) => queue !== undefined);
  }

  #died(from: QueueSettings, message: StoredMessage, reason: DeathReason): void {
    if (from.deadLetterExchange === undefined) return;
    const letter = deadLetter(message, from, reason, this.#lanes.clock);
    this.#letters.post(() => this.#send(from, letter, reason));
  }

  #send(from: QueueSettings, letter: StoredMessage, reason: DeathReason): void {
    const targets = this.exchanges.has(letter.exchange) ? this.#targets(letter) : [];
    const open = targets.filter((queue) => !goesInCircles(letter, queue.settings.name, reason));
    const accepted = open.map((queue) => queue.push(letter));
    const isLost = targets.length === 0 || accepted.includes(false);
    if (isLost && from.deadLetterSafely)
      this.#lanes.after(DEAD_LETTER_RETRY_MS, () => this.#letters.post(() => this.#send(from, letter, reason)));
  }

  #locked(name: string): Refusal {
    return new Refusal(
      405,
      `cannot obtain exclusive access to locked queue '${name}' in vhost '${this.name}'. It could be originally declared ` +
        'on another connection or the exclusive property value does not match that of the original declaration.',
    );
  }
}
