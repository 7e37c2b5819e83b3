import type { Recipient } from '@warren/contracts';
import type { ServerSocket } from '@warren/http';
import { type Clock, type Logger, parseTraceparent, toAppError } from '@warren/kernel';
import { startSpan } from '@warren/telemetry';
import { type EventRing, type OpenedRing, RING_MAX_EVENTS, type RingEvent } from '../push/event_ring.ts';
import { controlFrame, eventFrame } from './server_frames.ts';

const PAGE_EVENTS = 64;
/** Above this the socket is given time to drain before the ring is read on: what waits there costs this process nothing. */
const HIGH_WATER_BYTES = 128 * 1024;

export interface EventPumpDeps {
  readonly ring: EventRing;
  readonly recipient: Recipient;
  readonly opened: OpenedRing;
  readonly socket: ServerSocket;
  /** A socket that has not drained for this long is too slow, milliseconds. */
  readonly stallMs: number;
  readonly onSlow: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Carries events from the ring to one socket, in order, each once. It never holds more than a page: a client that reads
 * slowly leaves its events in Redis.
 */
export class EventPump {
  readonly #deps: EventPumpDeps;
  #lastSent: number;
  #lastKnown: number;
  #held = true;
  #stopped = false;
  #running = false;
  #again = false;
  #stalledSince: number | undefined;

  constructor(deps: EventPumpDeps) {
    this.#deps = deps;
    this.#lastSent = deps.opened.acked;
    this.#lastKnown = deps.opened.lastSeq;
  }

  get lastSent(): number {
    return this.#lastSent;
  }

  /** Lets events flow. Until then a client may still say from where. */
  release(): void {
    this.#held = false;
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** There may be news; `lastKnown` where the newest number is known. */
  wake(lastKnown = 0): void {
    this.#lastKnown = Math.max(this.#lastKnown, lastKnown);
    this.#again = true;
    if (this.#running || this.#held || this.#stopped) return;
    this.#running = true;
    this.#run()
      .catch((error: unknown) => this.#deps.logger.warn({ err: toAppError(error) }, 'events wait for the next sweep'))
      .finally(() => {
        this.#running = false;
      });
  }

  /**
   * Goes on after `lastSeq` of an earlier connection: `resumed`, then the events; or `gap` where some of them are gone, then
   * the events from there.
   */
  async resume(session: string, lastSeq: number): Promise<void> {
    const { ring, recipient, opened, socket } = this.#deps;
    const known = Math.max(this.#lastKnown, this.#lastSent);
    const continues = session === opened.session && lastSeq >= opened.acked && lastSeq <= known;
    const events = continues ? await ring.read(recipient, lastSeq, RING_MAX_EVENTS) : [];
    const [first] = events;
    if (continues && (first === undefined || first.seq === lastSeq + 1)) {
      socket.send(controlFrame({ resumed: { lastSeq, replayed: events.length } }));
      this.#lastSent = lastSeq;
    } else {
      const from = first === undefined ? opened.acked : first.seq - 1;
      socket.send(controlFrame({ gap: { lastSeq, firstSeq: from + 1 } }));
      this.#lastSent = from;
    }
    this.release();
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped && this.#mayWrite()) {
      this.#again = false;
      await this.#sendPage();
    }
  }

  async #sendPage(): Promise<void> {
    const { ring, recipient } = this.#deps;
    const after = this.#lastSent;
    const events = await ring.read(recipient, after, PAGE_EVENTS);
    // a resume in the meantime has moved the position: this page belongs to the old one
    if (this.#stopped || this.#lastSent !== after) {
      this.#again = true;
      return;
    }
    for (const event of events) {
      if (event.seq !== this.#lastSent + 1) this.#sendGap(event.seq);
      this.#send(event);
      this.#lastSent = event.seq;
    }
    if (events.length === 0 && this.#lastKnown > this.#lastSent) this.#sendGap(this.#lastKnown + 1);
    if (events.length === PAGE_EVENTS) this.#again = true;
  }

  #send(event: RingEvent): void {
    const { type, traceparent } = event;
    const span =
      traceparent === ''
        ? undefined
        : startSpan({ role: 'producer', name: `socket ${type}`, parent: parseTraceparent(traceparent) });
    this.#deps.socket.send(eventFrame(event));
    span?.end();
  }

  #sendGap(firstSeq: number): void {
    this.#deps.socket.send(controlFrame({ gap: { lastSeq: this.#lastSent, firstSeq } }));
    this.#lastSent = firstSeq - 1;
  }

  #mayWrite(): boolean {
    const { socket, clock, stallMs, onSlow } = this.#deps;
    if (socket.queuedBytes <= HIGH_WATER_BYTES) {
      this.#stalledSince = undefined;
      return true;
    }
    this.#stalledSince ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#stalledSince > stallMs) onSlow();
    return false;
  }
}
