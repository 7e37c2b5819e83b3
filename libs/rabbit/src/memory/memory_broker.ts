import { type Clock, type Rng, systemClock, systemRng } from '@warren/kernel';
import type { BrokerConnection, Connect, ConnectOptions } from '../broker_port.ts';
import type { BrokerEvent } from './broker_event.ts';
import { Doorkeeper } from './doorkeeper.ts';
import { type FaultPlan, Faults } from './faults.ts';
import { type Lane, Lanes } from './lanes.ts';
import { MemoryConnection } from './memory_connection.ts';
import { Refusal, socketError } from './refusal.ts';
import type { MemoryUser, Rights } from './rights.ts';
import { ServerConnection } from './server_connection.ts';
import type { StoredMessage } from './stored_message.ts';
import { VirtualHost } from './virtual_host.ts';

export interface MemoryBrokerOptions {
  readonly clock?: Clock;
  /** Decides which connection moves next, and which fault strikes: with a seed a run can be repeated. */
  readonly rng?: Rng;
  /** Who may do what; anybody everything unless said. */
  readonly users?: readonly MemoryUser[];
  readonly onEvent?: (event: BrokerEvent) => void;
}

const VHOST = '/';

/**
 * A message broker in this process that behaves as RabbitMQ does, for unit tests and simulations. Give its `connect` to a
 * RabbitLink. The cases of `test/conformance` hold both to the same behaviour. Nothing is kept beyond its own life.
 */
export class MemoryBroker {
  readonly connect: Connect = (url, options) => this.#connect(url, options);
  readonly #onEvent: MemoryBrokerOptions['onEvent'];
  readonly #doorkeeper: Doorkeeper;
  readonly #lanes: Lanes;
  /** The broker's own work. */
  readonly #own: Lane;
  readonly #faults: Faults;
  readonly #vhost: VirtualHost;
  readonly #connections = new Set<ServerConnection>();
  #up = true;
  #alarm = false;

  constructor({ clock = systemClock, rng = systemRng, users, onEvent }: MemoryBrokerOptions = {}) {
    this.#onEvent = onEvent;
    this.#doorkeeper = new Doorkeeper(VHOST, users);
    this.#lanes = new Lanes({ clock, rng });
    this.#own = this.#lanes.open();
    this.#faults = new Faults(rng);
    this.#vhost = new VirtualHost(VHOST, this.#lanes);
  }

  /** A URL for `connect`. */
  url(user = 'guest', password = 'guest'): string {
    return this.#doorkeeper.urlFor(user, password);
  }

  /** Whether something will happen by itself before time passes: for a fake clock. */
  get busy(): boolean {
    return this.#lanes.busy;
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

  /** Memory or disk is low: whoever publishes is blocked until it is cleared. */
  alarm(on: boolean): void {
    this.#alarm = on;
    if (!on) for (const connection of this.#connections) connection.alarmCleared();
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

  /** After `stop` or `kill`. */
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
    return new MemoryConnection(this.#accept(this.#doorkeeper.admit(url), nameOf(options)), signal);
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
    if (this.#onEvent === undefined) return;
    const id: unknown = message?.properties.messageId;
    const messageId = typeof id === 'string' ? id : undefined;
    this.#onEvent({ atMs: this.#lanes.clock.monotonicMs(), what, subject, messageId });
  }
}

function nameOf({ clientProperties }: ConnectOptions): string {
  const name = clientProperties?.['connection_name'];
  return typeof name === 'string' ? name : 'unnamed';
}
