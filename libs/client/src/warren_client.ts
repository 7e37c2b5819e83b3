import {
  type AccountReply,
  type Contract,
  CREATE_TICKET,
  GET_ACCOUNT,
  GET_MATCH,
  LOGIN,
  LOGOUT,
  type MatchReply,
  REGISTER,
  type ReplyOf,
  type TicketReply,
} from '@warren/contracts';
import {
  Api,
  type ApiOptions,
  type CallOptions,
  type EventFeed,
  SocketSession,
  type SocketSessionOptions,
  WarrenError,
  withToken,
} from '@warren/wire';
import type * as z from 'zod';
import { type StoredTokens, TokenKeeper } from './token_keeper.ts';

export interface WarrenClientOptions extends ApiOptions {
  /** 8 to 128 visible ASCII characters, made once per device and kept; a new one is made when absent. */
  readonly deviceNonce?: string;
  /** How long calls keep trying where the outcome is unknown or the service is busy, milliseconds. 15,000 unless said. */
  readonly retryForMs?: number;
  /** An earlier login to go on with, as `onTokens` gave it. */
  readonly tokens?: StoredTokens;
  /** Told of every change of what has to be stored to stay logged in; undefined when the login is over. */
  readonly onTokens?: (tokens: StoredTokens | undefined) => void;
}

export interface ConnectOptions extends Pick<SocketSessionOptions, 'onState' | 'onGap' | 'onFault' | 'openForMs'> {
  /** Adds listeners before the first event can come; what nobody listens to then is gone. */
  readonly listen?: (events: EventFeed) => void;
}

/** What a single call may change: its key, its patience, its end. */
export type PlayerCallOptions = Pick<CallOptions, 'key' | 'retryForMs' | 'signal' | 'traceparent'>;

const DEFAULT_RETRY_MS = 15_000;

/** A player's side of Warren. Keeps the tokens, refreshes them in time and retries safely. Runs in browsers and in Node. */
export class WarrenClient {
  readonly api: Api;
  readonly #options: WarrenClientOptions;
  readonly #deviceNonce: string;
  readonly #tokens: TokenKeeper;

  /** @throws TypeError for a baseUrl that is no address */
  constructor(options: WarrenClientOptions) {
    this.#options = options;
    this.#deviceNonce = options.deviceNonce ?? crypto.randomUUID();
    this.api = new Api(options);
    this.#tokens = new TokenKeeper({
      api: this.api,
      callOptions: () => this.#callOptions(),
      onTokens: (tokens) => options.onTokens?.(tokens),
    });
    if (options.tokens !== undefined) this.#tokens.restore(options.tokens);
  }

  /** Id of the player who is logged in. */
  get accountId(): string | undefined {
    return this.#tokens.accountId;
  }

  /** @throws WarrenError AUTH_LOGIN_TAKEN, AUTH_LOGIN_NOT_ALLOWED, AUTH_PASSWORD_TOO_WEAK, REQUEST_INVALID with `fields` */
  register(
    login: string,
    password: string,
    displayName: string,
    options: PlayerCallOptions = {},
  ): Promise<AccountReply> {
    return this.api.call(
      REGISTER,
      { login, password, display_name: displayName },
      { ...this.#callOptions(), ...options },
    );
  }

  /** An unknown outcome is retried: a second login only opens a second session. @throws WarrenError AUTH_CREDENTIALS_WRONG */
  async login(login: string, password: string, options: PlayerCallOptions = {}): Promise<void> {
    this.#tokens.keep(await this.api.call(LOGIN, { login, password }, { ...this.#callOptions(), ...options }));
  }

  /** Ends the login, here and at the server. @throws WarrenError where the server could not be told; the login stays then */
  async logout(options: PlayerCallOptions = {}): Promise<void> {
    try {
      await this.call(LOGOUT, {}, options);
    } catch (error) {
      // the server says that there is no login to end
      const over = error instanceof WarrenError && ENDED_CODES.has(error.code);
      if (!over) throw error;
    }
    this.#tokens.forget();
  }

  /** @throws WarrenError NOT_LOGGED_IN */
  me(options: PlayerCallOptions = {}): Promise<AccountReply> {
    return this.call(GET_ACCOUNT, {}, options);
  }

  /** Joins matchmaking. @throws WarrenError COORDINATOR_MODE_UNKNOWN, COORDINATOR_TICKET_ACTIVE */
  createTicket(mode: string, clientTag = '', options: PlayerCallOptions = {}): Promise<TicketReply> {
    return this.call(CREATE_TICKET, { mode, client_tag: clientTag }, options);
  }

  /** @throws WarrenError COORDINATOR_MATCH_NOT_FOUND */
  match(gameId: string, options: PlayerCallOptions = {}): Promise<MatchReply> {
    return this.call(GET_MATCH, { game_id: gameId }, options);
  }

  /** Calls any contract over HTTP as this player. @throws WarrenError with the codes of the contract, NOT_LOGGED_IN */
  call<C extends Contract>(contract: C, dto: z.input<C['dto']>, options: PlayerCallOptions = {}): Promise<ReplyOf<C>> {
    const all = { ...this.#callOptions(), key: crypto.randomUUID(), ...options };
    return withToken(
      (refused) => this.accessToken(refused),
      (token) => this.api.call(contract, dto, { ...all, token }),
    );
  }

  /**
   * Opens the player's connection for requests and events. A newer connection of the same player takes over: the older one
   * ends with the state `closed` and code 4409. @throws WarrenError
   */
  async connect(options: ConnectOptions = {}): Promise<SocketSession> {
    const { listen, ...rest } = options;
    const session = new SocketSession({
      api: this.api,
      path: '/v1/ws',
      token: (refused) => this.accessToken(refused),
      ...rest,
    });
    listen?.(session.events);
    await session.open();
    return session;
  }

  /**
   * A valid access token; refreshed when it is about to end, or is the `refused` one.
   * @throws WarrenError NOT_LOGGED_IN, AUTH_REFRESH_REFUSED
   */
  accessToken(refused?: string): Promise<string> {
    return this.#tokens.accessToken(refused);
  }

  #callOptions(): CallOptions {
    return { deviceNonce: this.#deviceNonce, retryForMs: this.#options.retryForMs ?? DEFAULT_RETRY_MS };
  }
}

const ENDED_CODES: ReadonlySet<string> = new Set(['ACCESS_UNAUTHENTICATED', 'AUTH_REFRESH_REFUSED', 'NOT_LOGGED_IN']);
