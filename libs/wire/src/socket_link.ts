import { CLOSE_CODES, ServerFrame } from '@warren/contracts';

export interface LinkEnd {
  /** A close code of the protocol, or one of LINK_CODES where this side ended the link. */
  readonly code: number;
  readonly reason: string;
}

export interface SocketLinkOptions {
  readonly socket: WebSocket;
  /** Single-use; sent in the first frame. */
  readonly ticket: string;
  readonly onFrame: (frame: ServerFrame) => void;
  /** Nothing came for a while: send something that is answered. */
  readonly onSilence: () => void;
  /** Called once, and nothing after it. */
  readonly onEnd: (end: LinkEnd) => void;
}

/** Why this side ended a link. 3000 to 4999 are free for programs. */
export const LINK_CODES = { closed: 1000, dropped: 4000, silent: 4002, connectTimeout: 4003 } as const;

const CONNECT_TIMEOUT_MS = 10_000;
/** A server that says nothing for this long after it was asked is not there any more. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * One WebSocket from its ticket to its end. It notices a peer that is gone without a word, which a socket that only
 * listens never does by itself, and it ends at once when it is told to, whether the peer still answers or not.
 */
export class SocketLink {
  readonly #options: SocketLinkOptions;
  #timer: ReturnType<typeof setTimeout>;
  #silenceMs: number | undefined;
  #heardAt = performance.now();
  #asked = false;
  #ended = false;

  constructor(options: SocketLinkOptions) {
    this.#options = options;
    const { socket, ticket } = options;
    this.#timer = setTimeout(() => this.end(LINK_CODES.connectTimeout, 'no welcome in time'), CONNECT_TIMEOUT_MS);
    socket.addEventListener('open', () => this.send({ auth: { ticket } }));
    socket.addEventListener('message', ({ data }: { readonly data: unknown }) => this.#receive(data));
    // without a listener some run-times treat it as unhandled; `close` follows in any case
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => this.#finish({ code, reason }));
  }

  /** The server's welcome has come: from now on silence is watched. */
  welcomed(silenceMs: number): void {
    this.#silenceMs = silenceMs;
    this.#watch(silenceMs);
  }

  send(frame: object): void {
    this.sendText(JSON.stringify(frame));
  }

  /** False when the socket does not take it. */
  sendText(text: string): boolean {
    const { socket } = this.#options;
    if (this.#ended || socket.readyState !== socket.OPEN) return false;
    socket.send(text);
    return true;
  }

  /** Ends the link now, without waiting for the peer. */
  end(code: number, reason: string): void {
    if (this.#ended) return;
    const { socket } = this.#options;
    this.#finish({ code, reason });
    socket.close(code, reason);
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    this.#heardAt = performance.now();
    this.#asked = false;
    const json = typeof data === 'string' ? parse(data) : undefined;
    // what is no JSON was not sent by Warren: somebody in between damages frames, and a new link resumes without loss
    if (json === undefined) return this.end(CLOSE_CODES.invalid, 'not a frame');
    const parsed = ServerFrame.safeParse(json);
    // a frame of a kind that this version does not know
    if (parsed.success) this.#options.onFrame(parsed.data);
  }

  #watch(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#checkSilence(), afterMs);
  }

  #checkSilence(): void {
    const silenceMs = this.#silenceMs ?? 0;
    const left = silenceMs - (performance.now() - this.#heardAt);
    if (left > 0) return this.#watch(left);
    if (this.#asked) return this.end(LINK_CODES.silent, 'no sign of life');
    this.#asked = true;
    this.#options.onSilence();
    this.#watch(Math.min(silenceMs, ANSWER_TIMEOUT_MS));
  }

  #finish(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.onEnd(end);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
