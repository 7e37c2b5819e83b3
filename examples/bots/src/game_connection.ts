import {
  GAME_PROTOCOL,
  type InputFrame,
  type OverMessage,
  ServerMessage,
  type SnapshotFrame,
  type WelcomeMessage,
} from '@warren/example-game-server/game';

export interface GameConnectionOptions {
  /** From `match.found`. */
  readonly address: string;
  readonly joinTicket: string;
  /** Called with every snapshot; returns the input to send, or undefined. */
  readonly onSnapshot: (snapshot: SnapshotFrame, welcome: WelcomeMessage) => Omit<InputFrame, 'tick'> | undefined;
}

/** Ticks that an input is sent ahead of the last snapshot; raised when inputs come late. */
const FIRST_LEAD = 2;
const CONNECT_TIMEOUT_MS = 10_000;

/** A player's connection to the game server: joins, answers every snapshot with an input, resolves at the end. */
export class GameConnection {
  readonly #options: GameConnectionOptions;
  readonly #socket: WebSocket;
  readonly #done: Promise<OverMessage>;
  #welcome: WelcomeMessage | undefined;
  #lead = FIRST_LEAD;
  #lastTick = -1;
  #sent = 0;

  constructor(options: GameConnectionOptions) {
    this.#options = options;
    this.#socket = new WebSocket(options.address, GAME_PROTOCOL);
    this.#done = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#socket.close(), CONNECT_TIMEOUT_MS);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
        this.#socket.close();
      };
      this.#socket.addEventListener('open', () => this.#send({ type: 'join', ticket: options.joinTicket }));
      this.#socket.addEventListener('error', () => undefined);
      this.#socket.addEventListener('message', ({ data }) => {
        try {
          this.#receive(data, () => clearTimeout(timer), resolve);
        } catch (cause) {
          fail(new Error('the game server sent something that cannot be understood', { cause }));
        }
      });
      this.#socket.addEventListener('close', ({ reason }) => {
        fail(new Error(`the game server closed the connection${reason === '' ? '' : `: ${reason}`}`));
      });
    });
    this.#done.catch(() => undefined);
  }

  /** Inputs sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Resolves with the result of the match. @throws Error when the connection ends before it */
  over(): Promise<OverMessage> {
    return this.#done;
  }

  close(): void {
    this.#socket.close();
  }

  #receive(data: unknown, onWelcome: () => void, onOver: (over: OverMessage) => void): void {
    if (typeof data !== 'string') return;
    const message = ServerMessage.parse(JSON.parse(data));
    if (message.type === 'over') onOver(message);
    else if (message.type === 'refused') this.#refused(message);
    else if (message.type === 'welcome') {
      this.#welcome = message;
      onWelcome();
    } else this.#snapshot(message);
  }

  #refused(message: Extract<ServerMessage, { type: 'refused' }>): void {
    const { code } = message;
    if (code === 'INPUT_LATE' && this.#welcome !== undefined)
      this.#lead = Math.min(this.#lead + 1, this.#welcome.max_lead_ticks);
  }

  #snapshot(snapshot: SnapshotFrame): void {
    if (this.#welcome === undefined) return;
    const input = this.#options.onSnapshot(snapshot, this.#welcome);
    const tick = snapshot.tick + this.#lead;
    if (input === undefined || tick <= this.#lastTick) return;
    this.#lastTick = tick;
    this.#sent++;
    this.#send({ type: 'input', tick, ...input });
  }

  /** A socket on its way out takes nothing more; its end is told by `over`. */
  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
