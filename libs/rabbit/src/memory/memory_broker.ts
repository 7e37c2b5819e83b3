import { type Clock, type Rng, systemClock, systemRng } from '@warren/kernel';
import type { BrokerConnection, Connect, ConnectOptions } from '../broker_port.ts';
import { type FaultPlan, Faults } from './faults.ts';
import { type Lane, Lanes } from './lanes.ts';
import { MemoryConnection } from './memory_connection.ts';
import { loginRefused, Refusal, socketError, vhostRefused } from './refusal.ts';
import { type MemoryUser, Rights } from './rights.ts';
import { ServerConnection } from './server_connection.ts';
import type { StoredMessage } from './stored_message.ts';
import { VirtualHost } from './virtual_host.ts';

/** Something that happened in the broker, for tests that compare two runs. */
interface BrokerEvent {
  readonly atMs: number;
  readonly what: string;
  /** The connection by its name, a queue or an exchange. */
  readonly subject: string;
  readonly messageId: string | undefined;
}

export interface MemoryBrokerOptions {
  readonly clock?: Clock;
  /** Decides which connection moves next, and which fault strikes: with a seed a run can be repeated. */
  readonly rng?: Rng;
  /** Who may do what; anybody everything unless said. */
  readonly users?: readonly MemoryUser[];
  readonly vhost?: string;
  readonly onEvent?: (event: BrokerEvent) => void;
}

/** What waits in a queue, and who waits for it. */
export interface QueueView {
  readonly ready: number;
  readonly consumers: number;
}

/**
 * A message broker in this process that behaves as RabbitMQ 3.10 does, for unit tests and simulations. Give its `connect`
 * to a RabbitLink. tests of `test/conformance` hold both to the same behaviour. It has one vhost, and keeps nothing
 * beyond its own life.
 */
export class MemoryBroker {
  readonly connect: Connect = (url, options) => this.#connect(url, options);
  readonly #options: MemoryBrokerOptions;
  readonly #lanes: Lanes;
  readonly #own: Lane;
  readonly #faults: Faults;
  readonly #vhost: VirtualHost;
  readonly #connections = new Set<ServerConnection>();
  #up = true;
  #alarm = false;

  constructor(options: MemoryBrokerOptions = {}) {
    const { clock = systemClock, rng = systemRng, vhost = '/' } = options;
    this.#options = options;
    this.#lanes = new Lanes({ clock, rng });
    this.#own = this.#lanes.open();
    this.#faults = new Faults(rng);
    this.#vhost = new VirtualHost(vhost, this.#lanes);
  }

  /** A URL for `connect`. */
  url(user = 'guest', password = 'guest'): string {
    const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `amqp://${credentials}@memory/${encodeURIComponent(this.#vhost.name)}`;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Whether something will happen by itself before time passes: for a fake clock. */
  get busy(): boolean {
    return this.#lanes.busy;
  }

  get queueNames(): readonly string[] {
    return this.#vhost.queueNames;
  }

  /** @throws Refusal without the queue */
  queue(name: string): QueueView {
    const { ready, consumers } = this.#vhost.queue(name);
    return { ready, consumers };
  }

  deleteQueue(name: string): void {
    this.#vhost.deleteQueue(name);
  }

  /** From now on these faults, and no others. */
  inject(plan: Partial<FaultPlan>): void {
    this.#faults.set(plan);
  }

  /** Breaks the connections whose name fits, or all; resolves to their number. */
  cut(fits: (name: string) => boolean = () => true): number {
    const found = [...this.#connections].filter(({ name }) => fits(name));
    for (const connection of found) connection.drop();
    return found.length;
  }

  /** Memory or disk is low: nobody may publish until it is cleared. */
  alarm(on: boolean): void {
    this.#alarm = on;
    for (const connection of this.#connections) connection.alarm(on);
  }

  /** Nobody listens any more; connections go on. */
  refuse(refused: boolean): void {
    this.#up = !refused;
  }

  /** Shuts the broker down in order, and says so to everybody. What was not durable is gone. */
  stop(): void {
    this.#up = false;
    const reason = new Refusal(320, "broker forced connection closure with reason 'shutdown'");
    for (const connection of this.#connections) connection.force(reason);
    this.#vhost.restart();
  }

  /** The process of the broker dies. What was confirmed is safe; what was not durable is gone. */
  kill(): void {
    this.#up = false;
    this.cut();
    this.#own.post(() => this.#vhost.restart());
  }

  /** After `stop`, `kill` or `refuse`. */
  start(): void {
    this.#up = true;
  }

  /** Ends everything, timers included. */
  close(): void {
    this.#up = false;
    this.cut();
    this.#vhost.close();
    this.#lanes.close();
  }

  async #connect(url: string, options: ConnectOptions): Promise<BrokerConnection> {
    const { signal } = options;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#lanes.open().post(resolve, this.#faults.delayMs());
    });
    if (signal.aborted) throw new Error('The operation was aborted');
    if (!this.#up || this.#faults.strikes('refuse')) throw socketError('ECONNREFUSED');
    const { username, password, pathname } = new URL(url);
    if (pathname.length > 1 && decodeURIComponent(pathname.slice(1)) !== this.#vhost.name) throw vhostRefused();
    const rights = this.#logIn(decodeURIComponent(username) || 'guest', decodeURIComponent(password));
    return new MemoryConnection(this.#accept(rights, nameOf(options)), signal);
  }

  #logIn(name: string, password: string): Rights {
    const { users } = this.#options;
    const user = users === undefined ? { name } : users.find((known) => known.name === name);
    if (user === undefined || (user.password ?? password) !== password) throw loginRefused();
    return new Rights(user, this.#vhost.name);
  }

  #accept(rights: Rights, name: string): ServerConnection {
    const connection = new ServerConnection({
      name,
      rights,
      vhost: this.#vhost,
      faults: this.#faults,
      toServer: this.#lanes.open(),
      toClient: this.#lanes.open(),
      own: this.#own,
      alarmed: () => this.#alarm,
      note: (what, subject, message) => this.#note(what, subject, message),
      onEnd: (ended) => {
        this.#note('disconnect', ended.name);
        this.#connections.delete(ended);
      },
    });
    this.#connections.add(connection);
    this.#note('connect', name);
    return connection;
  }

  #note(what: string, subject: string, message?: StoredMessage): void {
    const { onEvent } = this.#options;
    if (onEvent === undefined) return;
    const id: unknown = message?.properties.messageId;
    const messageId = typeof id === 'string' ? id : undefined;
    onEvent({ atMs: this.#lanes.clock.monotonicMs(), what, subject, messageId });
  }
}

function nameOf({ clientProperties }: ConnectOptions): string {
  const name = clientProperties?.['connection_name'];
  return typeof name === 'string' ? name : 'unnamed';
}
