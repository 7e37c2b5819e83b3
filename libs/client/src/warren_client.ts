import {
  type AccountReply,
  type Contract,
  CREATE_TICKET,
  GET_ACCOUNT,
  GET_MATCH,
  LOGIN,
  LOGOUT,
  type MatchReply,
  REFRESH,
  REGISTER,
  type ReplyOf,
  type TicketReply,
  type TokensReply,
} from '@warren/contracts';
import { Api, type ApiOptions, type CallOptions, SocketSession, WarrenError } from '@warren/wire';
import type * as z from 'zod';

export interface WarrenClientOptions extends ApiOptions {
  /** Made once per device and kept; a new one is made when absent. */
  readonly deviceNonce?: string;
  /** How long calls keep trying where the outcome is unknown or the service is busy, milliseconds. */
  readonly retryForMs?: number;
}

/** Refreshes this long before the access token ends. */
const REFRESH_MARGIN_MS = 30_000;
const DEFAULT_RETRY_MS = 15_000;

/** A player's side of Warren. Keeps the tokens, refreshes them in time and retries safely. */
export class WarrenClient {
  readonly api: Api;
  readonly #options: WarrenClientOptions;
  readonly #deviceNonce: string;
  #tokens: { readonly value: TokensReply; readonly expiresAt: number } | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(options: WarrenClientOptions) {
    this.#options = options;
    this.#deviceNonce = options.deviceNonce ?? crypto.randomUUID();
    this.api = new Api(options);
  }

  /** Id of the player who is logged in. */
  get accountId(): string | undefined {
    return this.#tokens?.value.account_id;
  }

  /** @throws WarrenError AUTH_LOGIN_TAKEN, AUTH_LOGIN_NOT_ALLOWED, AUTH_PASSWORD_TOO_WEAK */
  register(login: string, password: string, displayName: string): Promise<AccountReply> {
    return this.api.call(REGISTER, { login, password, display_name: displayName }, this.#callOptions());
  }

  /** @throws WarrenError AUTH_CREDENTIALS_WRONG */
  async login(login: string, password: string): Promise<void> {
    this.#keep(await this.api.call(LOGIN, { login, password }, this.#callOptions()));
  }

  async logout(): Promise<void> {
    await this.call(LOGOUT, {});
    this.#tokens = undefined;
  }

  me(): Promise<AccountReply> {
    return this.call(GET_ACCOUNT, {});
  }

  createTicket(mode: string, clientTag = ''): Promise<TicketReply> {
    return this.call(CREATE_TICKET, { mode, client_tag: clientTag });
  }

  match(gameId: string): Promise<MatchReply> {
    return this.call(GET_MATCH, { game_id: gameId });
  }

  /** Calls any contract over HTTP as this player. @throws WarrenError */
  async call<C extends Contract>(contract: C, dto: z.input<C['dto']>, options: CallOptions = {}): Promise<ReplyOf<C>> {
    return this.api.call(contract, dto, { ...this.#callOptions(), token: await this.accessToken(), ...options });
  }

  /** Opens the player's connection for requests and events. A newer connection of the same player takes over. */
  async connect(options: Pick<ConstructorParameters<typeof SocketSession>[0], 'onState' | 'onGap'> = {}): Promise<SocketSession> {
    const session = new SocketSession({ api: this.api, path: '/v1/ws', token: () => this.accessToken(), ...options });
    await session.open();
    return session;
  }

  /** A valid access token; refreshed when it is about to end. @throws WarrenError NOT_LOGGED_IN, AUTH_REFRESH_REFUSED */
  async accessToken(): Promise<string> {
    if (this.#tokens === undefined) throw new WarrenError('NOT_LOGGED_IN', 'Log in first.');
    if (Date.now() > this.#tokens.expiresAt - REFRESH_MARGIN_MS) {
      this.#refreshing ??= this.#refresh(this.#tokens.value.refresh_token).finally(() => {
        this.#refreshing = undefined;
      });
      await this.#refreshing;
    }
    return this.#tokens.value.access_token;
  }

  async #refresh(refreshToken: string): Promise<void> {
    this.#keep(await this.api.call(REFRESH, { refresh_token: refreshToken }, this.#callOptions()));
  }

  #keep(tokens: TokensReply): void {
    this.#tokens = { value: tokens, expiresAt: Date.now() + tokens.expires_in * 1_000 };
  }

  #callOptions(): CallOptions {
    return { deviceNonce: this.#deviceNonce, retryForMs: this.#options.retryForMs ?? DEFAULT_RETRY_MS };
  }
}
