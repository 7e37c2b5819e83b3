import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { AmqpFrameSplitter } from './amqp_frames.ts';
import type { DirectionFaults } from './link_faults.ts';

/** Bytes that wait for their delay; beyond them the sender meets back-pressure. */
const MAX_QUEUED_BYTES = 1024 * 1024;
/** Bytes of a chunk that leave one by one when it trickles: enough to split every header. */
const TRICKLED_BYTES = 48;

interface Verdict {
  forward: Buffer;
  cut: boolean;
}

interface Parcel extends Verdict {
  /** On the clock of `performance.now()`. */
  due: number;
}

export interface FaultPipeDeps {
  connection: number;
  from: Socket;
  to: Socket;
  faults: DirectionFaults;
  /** Extra delay of this connection alone, which makes it fall behind others. */
  lagMs: () => number;
  random: () => number;
  cut: () => void;
}

/** One direction of one connection. */
export class FaultPipe {
  readonly #deps: FaultPipeDeps;
  readonly #splitter = new AmqpFrameSplitter();
  readonly #queue: Parcel[] = [];
  #queuedBytes = 0;
  #pumping = false;
  #cutting = false;
  #ended = false;
  #swallowed = false;
  #dead = false;

  constructor(deps: FaultPipeDeps) {
    this.#deps = deps;
    deps.from.on('data', (chunk: Buffer) => this.#onData(chunk));
    deps.from.on('end', () => this.#onEnd());
    deps.to.on('drain', () => this.regulate());
  }

  /** Bytes were dropped: what comes later no longer fits what came before. */
  get hasHole(): boolean {
    return this.#swallowed;
  }

  /** A stalled direction does not read: what is sent waits in the kernel, and is handed on when the stall ends. */
  regulate(): void {
    const { from, to, faults } = this.#deps;
    if (faults.flow === 'stall' || this.#queuedBytes > MAX_QUEUED_BYTES || to.writableNeedDrain) from.pause();
    else from.resume();
  }

  /** From now on the receiver hears nothing, whatever the sender does; the sender is read and meets no error. */
  die(): void {
    this.#dead = true;
  }

  /** Says goodbye to the receiver; what comes later is not handed on. */
  endNow(): void {
    this.#ended = true;
    this.#deps.to.end();
  }

  /** Hands on bytes of our own, behind what is under way. */
  inject(bytes: Buffer): void {
    this.#send({ forward: bytes, cut: false });
  }

  #onData(chunk: Buffer): void {
    const { faults } = this.#deps;
    this.#swallowed ||= faults.flow === 'drop';
    // bytes after a hole would be taken for others
    if (this.#cutting || this.#dead || this.#swallowed) return;
    faults.onBytes?.(chunk);
    const verdict = this.#judge(chunk);
    faults.bytes += verdict.forward.length;
    this.#cutting = verdict.cut;
    this.#send(verdict);
  }

  // A dead network delivers no farewell either.
  #onEnd(): void {
    if (this.#dead || this.#deps.faults.flow === 'drop') return;
    this.#ended = true;
    if (!this.#pumping) this.#deps.to.end();
  }

  #judge(chunk: Buffer): Verdict {
    const { faults } = this.#deps;
    const byFrames = this.#judgeFrames(chunk);
    const left = faults.bytesLeft;
    if (left === undefined) return byFrames;
    faults.bytesLeft = left > byFrames.forward.length ? left - byFrames.forward.length : undefined;
    if (left > byFrames.forward.length) return byFrames;
    return { forward: byFrames.forward.subarray(0, left), cut: true };
  }

  // Only whole frames are handed on while somebody watches them: a frame half sent could no longer be cut before.
  #judgeFrames(chunk: Buffer): Verdict {
    const hook = this.#deps.faults.onFrame;
    if (hook === undefined) {
      // A hook that was taken away may have left the beginning of a frame waiting for its end.
      const rest = this.#splitter.takeRest();
      return { forward: rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), cut: false };
    }
    const passed: Buffer[] = [];
    for (const frame of this.#splitter.push(chunk)) {
      const decision = hook(frame, this.#deps.connection);
      if (decision !== 'cut_before') passed.push(frame.bytes);
      if (decision !== undefined) return { forward: Buffer.concat(passed), cut: true };
    }
    return { forward: Buffer.concat(passed), cut: false };
  }

  #send(verdict: Verdict): void {
    if (!this.#pumping && this.#isPlain(verdict)) {
      this.#write(verdict.forward);
      return;
    }
    const { faults, lagMs, random } = this.#deps;
    const waitMs = faults.delayMs + lagMs() + faults.jitterMs * random();
    this.#queue.push({ ...verdict, due: performance.now() + waitMs });
    this.#queuedBytes += verdict.forward.length;
    this.regulate();
    if (!this.#pumping) void this.#pump();
  }

  #isPlain({ cut }: Verdict): boolean {
    const { delayMs, jitterMs, bytesPerSecond, trickle } = this.#deps.faults;
    return (
      !cut && !trickle && delayMs === 0 && jitterMs === 0 && bytesPerSecond === undefined && this.#deps.lagMs() === 0
    );
  }

  /** Hands parcels on one after the other: bytes of one connection never overtake each other. */
  async #pump(): Promise<void> {
    this.#pumping = true;
    for (let parcel = this.#queue.shift(); parcel !== undefined; parcel = this.#queue.shift()) {
      await sleep(Math.max(0, parcel.due - performance.now(), this.#airtimeMs(parcel.forward)));
      if (parcel.cut) this.#writeAndCut(parcel.forward);
      else if (this.#deps.faults.trickle) await this.#trickle(parcel.forward);
      else this.#write(parcel.forward);
      this.#queuedBytes -= parcel.forward.length;
      this.regulate();
    }
    this.#pumping = false;
    if (this.#ended) this.#deps.to.end();
  }

  #airtimeMs(chunk: Buffer): number {
    const { bytesPerSecond } = this.#deps.faults;
    return bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1_000;
  }

  async #trickle(chunk: Buffer): Promise<void> {
    const single = Math.min(TRICKLED_BYTES, chunk.length);
    for (let index = 0; index < single; index += 1) {
      this.#write(chunk.subarray(index, index + 1));
      await nextTurn();
    }
    this.#write(chunk.subarray(single));
  }

  #write(chunk: Buffer): void {
    const { to, from } = this.#deps;
    if (chunk.length > 0 && to.writable && !to.write(chunk)) from.pause();
  }

  #writeAndCut(chunk: Buffer): void {
    const { to, cut } = this.#deps;
    if (!to.writable) cut();
    else to.end(chunk, () => cut());
  }
}
