import type { ServerSocket } from './server_socket.ts';

/** Sockets are pinged in this many portions, so that thousands of pings never stall one turn. */
const PORTIONS = 16;

/** Pings every socket once per interval and cuts off those that answer nothing. */
export class SocketHeartbeat {
  readonly #portions: readonly Set<ServerSocket>[] = Array.from({ length: PORTIONS }, () => new Set<ServerSocket>());
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #turn = 0;

  constructor(intervalMs: number) {
    this.#timer = setInterval(() => this.#beat(), Math.max(1, Math.floor(intervalMs / PORTIONS)));
    this.#timer.unref();
  }

  /** Returns what takes the socket out again. */
  add(socket: ServerSocket): () => void {
    const portion = this.#portions[this.#next++ % PORTIONS];
    portion?.add(socket);
    return () => portion?.delete(socket);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const portion = this.#portions[this.#turn++ % PORTIONS];
    for (const socket of portion ?? []) socket.heartbeat();
  }
}
