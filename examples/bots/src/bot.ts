import { type SocketSession, WarrenClient } from '@warren/client';
import { CREATE_TICKET, MATCH_ENDED, MATCH_FAILED, MATCH_FOUND, type PayloadOf } from '@warren/contracts';
import { chooseMove, createRng, type OverMessage } from '@warren/example-game-server/game';
import { GameConnection } from './game_connection.ts';

export type MatchFound = PayloadOf<typeof MATCH_FOUND>;
export type MatchEnded = PayloadOf<typeof MATCH_ENDED>;

export interface BotOptions {
  readonly gatewayUrl: string;
  readonly name: string;
  /** 0 plays at full strength; up to 100 plays ever more absent-mindedly. */
  readonly hesitation?: number;
}

const PASSWORD_BYTES = 18;
const QUEUE_RETRY_MS = 15_000;

/** A scripted player that uses the public API and nothing else. */
export class Bot {
  readonly name: string;
  readonly client: WarrenClient;
  readonly #options: BotOptions;
  readonly #login: string;
  readonly #password: string;
  /** Invitations that nobody has asked for yet. */
  readonly #found: MatchFound[] = [];
  #onFound: (() => void) | undefined;
  #session: SocketSession | undefined;

  constructor(options: BotOptions) {
    this.#options = options;
    this.name = options.name;
    this.client = new WarrenClient({ baseUrl: options.gatewayUrl });
    this.#login = `${options.name}-${crypto.randomUUID().slice(0, 8)}`;
    this.#password = Buffer.from(crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES))).toString('base64url');
  }

  get playerId(): string {
    const { accountId } = this.client;
    if (accountId === undefined) throw new Error(`${this.name} is not logged in`);
    return accountId;
  }

  get session(): SocketSession {
    if (this.#session === undefined) throw new Error(`${this.name} is not connected`);
    return this.#session;
  }

  async register(): Promise<void> {
    await this.client.register(this.#login, this.#password, this.name);
  }

  async logIn(): Promise<void> {
    await this.client.login(this.#login, this.#password);
  }

  async connect(): Promise<void> {
    this.#session = await this.client.connect({
      listen: (events) =>
        events.on(MATCH_FOUND, (found) => {
          this.#found.push(found);
          this.#onFound?.();
        }),
    });
  }

  async queue(mode: string): Promise<void> {
    await this.session.request(CREATE_TICKET, { mode, client_tag: this.name }, { retryForMs: QUEUE_RETRY_MS });
  }

  /** The next match that this player is invited to. @throws Error with the code of match.failed, or when the signal is aborted */
  found(signal: AbortSignal): Promise<MatchFound> {
    return this.#orFailed(undefined, signal, async (stop) => {
      for (;;) {
        const next = this.#found.shift();
        if (next !== undefined) return next;
        await this.#nextFound(stop);
      }
    });
  }

  /** Waits for the end of one match. Call it before the match can end. */
  ended(gameId: string, signal: AbortSignal): Promise<MatchEnded> {
    return this.#orFailed(gameId, signal, (stop) =>
      this.session.events.once(MATCH_ENDED, (event) => event.game_id === gameId, stop),
    );
  }

  /** Plays the match to its end on the game server. */
  async play(found: MatchFound): Promise<OverMessage> {
    const rng = createRng(found.slot + 1);
    const game = new GameConnection({
      address: found.address,
      joinTicket: found.join_ticket,
      onSnapshot: (snapshot, { map, slot }) =>
        chooseMove({ map, snapshot }, slot, rng, { hesitation: this.#options.hesitation ?? 0 }),
    });
    return game.over();
  }

  close(): void {
    this.#session?.close();
  }

  #nextFound(stop: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void =>
        reject(stop.reason instanceof Error ? stop.reason : new Error(`${this.name} waits no longer`));
      if (stop.aborted) return onAbort();
      stop.addEventListener('abort', onAbort, { once: true });
      this.#onFound = () => {
        stop.removeEventListener('abort', onAbort);
        resolve();
      };
    });
  }

  /** A match that fails ends the waits for it, with its reason. */
  async #orFailed<T>(
    gameId: string | undefined,
    signal: AbortSignal,
    wait: (stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const failed = new AbortController();
    const stop = this.session.events.on(MATCH_FAILED, ({ game_id, code, message }) => {
      if (gameId === undefined || game_id === gameId) failed.abort(new Error(`match.failed ${code}: ${message}`));
    });
    try {
      return await wait(AbortSignal.any([signal, failed.signal]));
    } finally {
      stop();
    }
  }
}
