import net from 'node:net';
import { resetSocket } from '@warren/kernel';
import { freePort } from '@warren/provision';
import { FaultLink } from './fault_link.ts';
import { type Direction, type DirectionFaults, type Flow, type FrameHook, HEALTHY, noFaults } from './link_faults.ts';

export interface FaultProxyOptions {
  target: { host: string; port: number };
  /** Draws jitter and lags; Math.random unless told. */
  random?: () => number;
}

/** What meets a new connection: it is handed on, refused (nobody listens), accepted and reset, or accepted and never answered. */
export type Admission = 'pass' | 'refuse' | 'reset' | 'silence';

export interface FaultProxyCounters {
  accepted: number;
  reset: number;
  open: number;
  bytesToServer: number;
  bytesToClient: number;
}

const BOTH: readonly Direction[] = ['to_server', 'to_client'];

/** A TCP proxy on 127.0.0.1 whose faults can be switched while connections run through it. */
export class FaultProxy {
  readonly port: number;
  readonly #target: { host: string; port: number };
  readonly #faults: Record<Direction, DirectionFaults> = { to_server: noFaults(), to_client: noFaults() };
  readonly #links = new Set<FaultLink>();
  readonly #silenced = new Set<net.Socket>();
  readonly #random: () => number;
  readonly #server: net.Server;
  #admission: Admission = 'pass';
  #maxLagMs = 0;
  #accepted = 0;
  #reset = 0;

  constructor(deps: FaultProxyOptions & { port: number }) {
    this.port = deps.port;
    this.#target = deps.target;
    this.#random = deps.random ?? Math.random;
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** `url` with this proxy as host and port. */
  through(url: string): string {
    const parsed = new URL(url);
    parsed.host = `127.0.0.1:${this.port}`;
    return parsed.href;
  }

  get counters(): FaultProxyCounters {
    return {
      accepted: this.#accepted,
      reset: this.#reset,
      open: this.#links.size,
      bytesToServer: this.#faults.to_server.bytes,
      bytesToClient: this.#faults.to_client.bytes,
    };
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Decides about new connections; running ones go on. */
  async admit(admission: Admission): Promise<void> {
    this.#admission = admission;
    if (admission === 'refuse' && this.#server.listening) this.#server.close();
    if (admission !== 'refuse' && !this.#server.listening) await this.listen();
    if (admission !== 'silence') this.#endSilence();
  }

  /** Hands on, holds back or swallows bytes from now on, of running and new connections. */
  flow(flow: Flow, direction: Direction | 'both' = 'both'): void {
    for (const faults of this.#select(direction)) faults.flow = flow;
    for (const link of this.#links) link.applyFlow();
  }

  /** Hands bytes on this much later, in order, and up to `jitterMs` more. */
  delay(ms: number, direction: Direction | 'both' = 'both', jitterMs = 0): void {
    for (const faults of this.#select(direction)) Object.assign(faults, { delayMs: ms, jitterMs });
  }

  /** Each connection alone gets no more than this. */
  bandwidth(bytesPerSecond: number, direction: Direction | 'both' = 'both'): void {
    for (const faults of this.#select(direction)) faults.bytesPerSecond = bytesPerSecond;
  }

  /** Hands the first bytes of every chunk on one by one. */
  trickle(direction: Direction | 'both' = 'both'): void {
    for (const faults of this.#select(direction)) faults.trickle = true;
  }

  /**
   * Every connection, running or new, falls behind by an own time up to `maxLagMs`: what was sent later on one may arrive
   * before what was sent earlier on another. Within a connection TCP keeps the order.
   */
  reorder(maxLagMs: number): void {
    this.#maxLagMs = maxLagMs;
    for (const link of this.#links) link.lagMs = maxLagMs * this.#random();
  }

  /** Ends one half of all running connections: the receiver of the direction sees the end of the stream. */
  halfClose(direction: Direction): void {
    for (const link of this.#links) link.halfClose(direction);
  }

  /** Leaves all running connections open and silent for ever; new ones are well. */
  abandon(): void {
    for (const link of this.#links) link.die();
  }

  /** Takes every fault back. Connections that lost bytes are reset: they have a hole that no later byte can fill. */
  async heal(): Promise<void> {
    for (const faults of this.#select('both')) Object.assign(faults, HEALTHY);
    this.reorder(0);
    for (const link of this.#links) {
      link.cutIfBroken();
      link.applyFlow();
    }
    await this.admit('pass');
  }

  /**
   * Lets exactly `bytes` more pass in the direction, over all connections, then cuts the connection that sent them.
   * Once.
   */
  cutAfterBytes(bytes: number, direction: Direction): void {
    this.#faults[direction].bytesLeft = bytes;
  }

  /** Shows every chunk of the direction before it is handed on. */
  onBytes(direction: Direction, listener: ((chunk: Buffer) => void) | undefined): void {
    this.#faults[direction].onBytes = listener;
  }

  /**
   * Shows every AMQP frame of the direction, which may cut the connection before or after it. Set it before the
   * connection is made, or at a moment when no frame is half sent.
   */
  onFrame(direction: Direction, hook: FrameHook | undefined): void {
    this.#faults[direction].onFrame = hook;
  }

  /**
   * Cuts the connection at the `count`th frame with this method (`AMQP_METHOD`), counted from now over all
   * connections. Once.
   */
  cutAtMethod(direction: Direction, at: { method: string; count?: number; when?: 'before' | 'after' }): void {
    let left = at.count ?? 1;
    this.onFrame(direction, (frame) => {
      if (frame.method !== at.method) return undefined;
      left -= 1;
      if (left !== 0) return undefined;
      return at.when === 'before' ? 'cut_before' : 'cut_after';
    });
  }

  /** Resets all running connections, or one of them; returns the number of those that were reset. */
  cut(connection?: number): number {
    const links = this.#linksOf(connection);
    for (const link of links) link.cut();
    return links.length;
  }

  /**
   * Sends bytes of our own on a running connection, as if they came from the other side. Whole frames only, and while a
   * hook of `onFrame` watches the direction: it alone keeps the frames of the other side whole.
   */
  inject(direction: Direction, bytes: Buffer, connection: number): void {
    const [link] = this.#linksOf(connection);
    if (link === undefined) throw new Error(`connection ${connection} of the proxy is closed`);
    link.inject(direction, bytes);
  }

  async close(): Promise<void> {
    this.cut();
    this.#endSilence();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #linksOf(connection: number | undefined): FaultLink[] {
    return [...this.#links].filter((link) => connection === undefined || link.connection === connection);
  }

  #select(direction: Direction | 'both'): DirectionFaults[] {
    return (direction === 'both' ? BOTH : [direction]).map((one) => this.#faults[one]);
  }

  #accept(client: net.Socket): void {
    client.on('error', () => undefined);
    if (this.#admission === 'silence') {
      this.#silenced.add(client.resume());
      client.once('close', () => this.#silenced.delete(client));
      return;
    }
    if (this.#admission !== 'pass') {
      this.#reset += 1;
      resetSocket(client);
      return;
    }
    this.#accepted += 1;
    const server = net.connect({ ...this.#target, allowHalfOpen: true });
    const link: FaultLink = new FaultLink({
      connection: this.#accepted,
      client,
      server,
      faults: this.#faults,
      random: this.#random,
      onClosed: () => this.#links.delete(link),
    });
    link.lagMs = this.#maxLagMs * this.#random();
    this.#links.add(link);
  }

  #endSilence(): void {
    for (const socket of this.#silenced) resetSocket(socket);
  }
}

/** Starts a proxy on a free port below 32768. Close it when done. */
export async function faultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultProxy({ ...options, port: await freePort() });
  await proxy.listen();
  return proxy;
}
