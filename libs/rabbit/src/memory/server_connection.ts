import type { Faults } from './faults.ts';
import type { Lane } from './lanes.ts';
import type { MemoryQueue } from './memory_queue.ts';
import type { ChannelPeer, ConnectionPeer } from './peers.ts';
import type { Refusal } from './refusal.ts';
import type { Rights } from './rights.ts';
import { ServerChannel } from './server_channel.ts';
import type { StoredMessage } from './stored_message.ts';
import type { Placed, VirtualHost } from './virtual_host.ts';

export interface ServerConnectionDeps {
  /** The name that the client gave itself. */
  readonly name: string;
  readonly vhost: VirtualHost;
  readonly rights: Rights;
  readonly faults: Faults;
  readonly toServer: Lane;
  readonly toClient: Lane;
  /** The broker's own work: it notices the end of a connection some time after the client does. */
  readonly own: Lane;
  /** Whether an alarm is on: nobody may publish. */
  readonly alarmed: () => boolean;
  readonly note: (what: string, subject: string, message?: StoredMessage) => void;
  readonly onEnd: (connection: ServerConnection) => void;
}

/** The broker's half of a connection. */
export class ServerConnection {
  readonly name: string;
  readonly vhost: VirtualHost;
  readonly rights: Rights;
  readonly note: ServerConnectionDeps['note'];
  readonly #deps: ServerConnectionDeps;
  readonly #channels = new Set<ServerChannel>();
  #peer: ConnectionPeer | undefined;
  #open = true;
  #blocked = false;

  constructor(deps: ServerConnectionDeps) {
    this.#deps = deps;
    this.name = deps.name;
    this.vhost = deps.vhost;
    this.rights = deps.rights;
    this.note = deps.note;
  }

  /** Says who is on the other side. */
  meet(peer: ConnectionPeer): void {
    this.#peer = peer;
  }

  openChannel(peer: ChannelPeer): ServerChannel {
    const channel = new ServerChannel(this, peer);
    this.#channels.add(channel);
    return channel;
  }

  channelEnded(channel: ServerChannel): void {
    channel.end();
    this.#channels.delete(channel);
  }

  /** A frame of the client. It gets lost when the connection breaks on the way. */
  receive(run: () => void, publishes = false): void {
    const { toServer, faults } = this.#deps;
    toServer.post(() => {
      if (this.#open && faults.strikes('cut')) this.drop();
      if (!this.#open) return undefined;
      if (publishes && this.#mustWait()) return 'again';
      run();
      return undefined;
    }, faults.delayMs());
  }

  /** A frame for the client. */
  tell(run: () => void): void {
    if (this.#open) this.#deps.toClient.post(run, this.#deps.faults.delayMs());
  }

  /** Puts a message where it belongs, with what may go wrong on the way. */
  place(message: StoredMessage): Placed {
    const { faults } = this.#deps;
    this.note('publish', message.exchange, message);
    const put = (): Placed => this.vhost.place(message, faults.strikes('reorder') ? faults.place() : undefined);
    if (faults.strikes('duplicate')) put();
    return put();
  }

  /** Tells the client of a message that is safe, once it is; `queue` is the one that stores it. */
  confirm(queue: MemoryQueue | undefined, tell: () => void): void {
    const isLost = this.#deps.faults.strikes('loseConfirm');
    const answer = (): void => (isLost ? this.drop() : this.tell(tell));
    if (queue === undefined) answer();
    else queue.disk.post(answer);
  }

  /** The alarm is over. A connection that did not publish meanwhile never heard of it. */
  alarmCleared(): void {
    this.#block(false);
  }

  /** The client said goodbye. */
  close(answer: () => void): void {
    this.#tearDown();
    this.#deps.toClient.post(answer);
  }

  /** The broker closes, with a reason. */
  force(refusal: Refusal): void {
    this.tell(() => this.#peer?.closed(refusal));
    this.#tearDown();
  }

  /** The network breaks: what is on its way is lost on both sides, and each notices in its own time. */
  drop(): void {
    if (!this.#open) return;
    this.abandoned();
    this.#deps.toClient.post(() => this.#peer?.broken());
  }

  /** The client's socket is gone. */
  abandoned(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#deps.toServer.cut();
    this.#deps.toClient.cut();
    this.#deps.own.post(() => this.#tearDown());
  }

  #tearDown(): void {
    this.#open = false;
    for (const channel of this.#channels) channel.end();
    this.#channels.clear();
    this.vhost.forget(this);
    this.#deps.onEnd(this);
  }

  /** RabbitMQ reads a connection until it publishes. */
  #mustWait(): boolean {
    if (this.#deps.alarmed()) this.#block(true);
    return this.#blocked;
  }

  #block(on: boolean): void {
    if (this.#blocked === on) return;
    this.#blocked = on;
    this.#deps.toServer.pause(on);
    this.tell(() => this.#peer?.blocked(on));
  }
}
