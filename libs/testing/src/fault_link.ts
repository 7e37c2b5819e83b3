import type { Socket } from 'node:net';
import { type AmqpFrame, AmqpFrameSplitter } from './amqp_frames.ts';

export type Direction = 'to_server' | 'to_client';

/** What happens to bytes: handed on, held back (the sender meets back-pressure), or swallowed as by a dead network. */
export type Flow = 'pass' | 'stall' | 'drop';

/**
 * Decides at a frame: cut the connection before it is handed on, after it, or not. `connection` counts the connections of
 * the proxy: 1, 2, 3 …
 */
export type FrameHook = (frame: AmqpFrame, connection: number) => 'cut_before' | 'cut_after' | undefined;

/** How one direction of every connection behaves now. */
export interface DirectionFaults {
  flow: Flow;
  delayMs: number;
  /** Bytes that may still pass before the connection is cut. */
  bytesLeft: number | undefined;
  onFrame: FrameHook | undefined;
  onBytes: ((chunk: Buffer) => void) | undefined;
  bytes: number;
}

export function noFaults(): DirectionFaults {
  return { flow: 'pass', delayMs: 0, bytesLeft: undefined, onFrame: undefined, onBytes: undefined, bytes: 0 };
}

interface Verdict {
  forward: Buffer;
  cut: boolean;
}

/** One direction of one connection. */
class Pipe {
  readonly #connection: number;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: DirectionFaults;
  readonly #cut: () => void;
  readonly #splitter = new AmqpFrameSplitter();
  #last: Promise<void> = Promise.resolve();
  #cutting = false;
  /** Bytes were swallowed: what follows would not fit to what came before. Such a stream stays silent until its end. */
  #holed = false;

  constructor(deps: { connection: number; from: Socket; to: Socket; faults: DirectionFaults; cut: () => void }) {
    this.#connection = deps.connection;
    this.#from = deps.from;
    this.#to = deps.to;
    this.#faults = deps.faults;
    this.#cut = deps.cut;
    this.#from.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#from.on('end', () => this.#onEnd());
    this.#to.on('drain', () => this.applyFlow());
  }

  /** A stalled direction does not read: what is sent waits in the kernel, and is handed on when the stall ends. */
  applyFlow(): void {
    if (this.#faults.flow === 'stall') this.#from.pause();
    else this.#from.resume();
  }

  /** Hands on bytes of our own, behind what is under way. */
  inject(bytes: Buffer): void {
    this.#send(bytes, false);
  }

  #onData(chunk: Buffer): void {
    this.#holed ||= this.#faults.flow === 'drop';
    if (this.#cutting || this.#holed) return;
    this.#faults.onBytes?.(chunk);
    const { forward, cut } = this.#judge(chunk);
    this.#faults.bytes += forward.length;
    this.#cutting = cut;
    this.#send(forward, cut);
  }

  // A dead network delivers no farewell either.
  #onEnd(): void {
    if (this.#faults.flow !== 'drop') void this.#last.then(() => this.#to.end());
  }

  #judge(chunk: Buffer): Verdict {
    const hook = this.#faults.onFrame;
    const byFrames = hook === undefined ? this.#judgeNothing(chunk) : this.#judgeFrames(chunk, hook);
    const left = this.#faults.bytesLeft;
    if (left === undefined) return byFrames;
    this.#faults.bytesLeft = left > byFrames.forward.length ? left - byFrames.forward.length : undefined;
    if (left > byFrames.forward.length) return byFrames;
    return { forward: byFrames.forward.subarray(0, left), cut: true };
  }

  // A hook that was taken away may have left the beginning of a frame waiting for its end.
  #judgeNothing(chunk: Buffer): Verdict {
    const rest = this.#splitter.takeRest();
    return { forward: rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), cut: false };
  }

  // Only whole frames are handed on while somebody watches them: a frame half sent could no longer be cut before.
  #judgeFrames(chunk: Buffer, hook: FrameHook): Verdict {
    const passed: Buffer[] = [];
    for (const frame of this.#splitter.push(chunk)) {
      const decision = hook(frame, this.#connection);
      if (decision !== 'cut_before') passed.push(frame.bytes);
      if (decision !== undefined) return { forward: Buffer.concat(passed), cut: true };
    }
    return { forward: Buffer.concat(passed), cut: false };
  }

  #send(chunk: Buffer, cut: boolean): void {
    const due = performance.now() + this.#faults.delayMs;
    if (this.#faults.delayMs === 0 && !cut) {
      // Kept behind what still waits for its delay, or bytes would overtake each other.
      this.#last = this.#last.then(() => this.#write(chunk));
      return;
    }
    this.#last = this.#last
      .then(() => new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, due - performance.now()))))
      .then(() => (cut ? this.#writeAndCut(chunk) : this.#write(chunk)));
  }

  #write(chunk: Buffer): void {
    if (chunk.length > 0 && this.#to.writable && !this.#to.write(chunk)) this.#from.pause();
  }

  #writeAndCut(chunk: Buffer): void {
    if (!this.#to.writable) this.#cut();
    else this.#to.end(chunk, () => this.#cut());
  }
}

/** A connection through the proxy: the client's socket and ours to the server. */
export class FaultLink {
  readonly connection: number;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pipes: Record<Direction, Pipe>;

  constructor(deps: {
    connection: number;
    client: Socket;
    server: Socket;
    faults: Record<Direction, DirectionFaults>;
    onClosed: () => void;
  }) {
    const { connection, client, server, faults } = deps;
    this.connection = connection;
    this.#client = client;
    this.#server = server;
    const cut = (): void => this.cut();
    this.#pipes = {
      to_server: new Pipe({ connection, from: client, to: server, faults: faults.to_server, cut }),
      to_client: new Pipe({ connection, from: server, to: client, faults: faults.to_client, cut }),
    };
    for (const [socket, direction, peer] of [
      [deps.client, 'to_server', deps.server],
      [deps.server, 'to_client', deps.client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (deps.faults[direction].flow !== 'drop') peer.destroySoon();
        if (deps.client.destroyed && deps.server.destroyed) deps.onClosed();
      });
    }
    this.applyFlow();
  }

  applyFlow(): void {
    for (const pipe of Object.values(this.#pipes)) pipe.applyFlow();
  }

  inject(direction: Direction, bytes: Buffer): void {
    this.#pipes[direction].inject(bytes);
  }

  /** Ends the connection at once; both sides see a reset. */
  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }
}
