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

/** A scripted player that uses the public API and nothing else. */
export class Bot {
  readonly name: string;
  readonly client: WarrenClient;
  readonly #options: BotOptions;
  readonly #login: string;
  readonly #password: string;
  readonly #found: MatchFound[] = [];
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
    this.#session = await this.client.connect();
    this.#session.events.on(MATCH_FOUND, (found) => this.#found.push(found));
  }

  async queue(mode: string): Promise<void> {
    await this.session.request(CREATE_TICKET, { mode, client_tag: this.name });
  }

  /** The match that this player was invited to. @throws Error with the code of match.failed, or when the signal is aborted */
  async found(signal: AbortSignal): Promise<MatchFound> {
    const before = this.#found.shift();
    if (before !== undefined) return before;
    return this.#orFailed((stop) => this.session.events.once(MATCH_FOUND, () => true, stop), signal);
  }

  /** Waits for the end of one match. Call it before the match can end. */
  ended(gameId: string, signal: AbortSignal): Promise<MatchEnded> {
    return this.#orFailed((stop) => this.session.events.once(MATCH_ENDED, (event) => event.game_id === gameId, stop), signal);
  }

  /** Plays the match to its end on the game server. */
  async play(found: MatchFound): Promise<OverMessage> {
    const rng = createRng(found.slot + 1);
    const game = new GameConnection({
      address: found.address,
      joinTicket: found.join_ticket,
      onSnapshot: (snapshot, { map, slot }) => chooseMove({ map, snapshot }, slot, rng, { hesitation: this.#options.hesitation ?? 0 }),
    });
    return game.over();
  }

  close(): void {
    this.#session?.close();
  }

  /** A match that fails ends every wait, with its reason. */
  async #orFailed<T>(wait: (stop: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const failed = new AbortController();
    const stop = this.session.events.on(MATCH_FAILED, ({ code, message }) => failed.abort(new Error(`match.failed ${code}: ${message}`)));
    try {
      return await wait(AbortSignal.any([signal, failed.signal]));
    } finally {
      stop();
    }
  }
}
