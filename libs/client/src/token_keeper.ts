import { REFRESH, type TokensReply } from '@warren/contracts';
import { type Api, type CallOptions, WarrenError } from '@warren/wire';

/** What a client keeps of a login, so that a later start of the program goes on with it. Secret: it is the login. */
export interface StoredTokens {
  readonly account_id: string;
  readonly refresh_token: string;
}

interface Held {
  readonly value: TokensReply;
  readonly expiresAtMs: number;
}

export interface TokenKeeperDeps {
  readonly api: Api;
  readonly callOptions: () => CallOptions;
  readonly onTokens: (tokens: StoredTokens | undefined) => void;
}

/** Refreshes this long before the access token ends. */
const REFRESH_MARGIN_MS = 30_000;

/**
 * The tokens of one login. A refresh token works once, so there is never more than one refresh under way, and one that ends
 * after a logout or another login changes nothing.
 */
export class TokenKeeper {
  readonly #deps: TokenKeeperDeps;
  #held: Held | undefined;
  #refreshing: { readonly of: Held; readonly done: Promise<void> } | undefined;

  constructor(deps: TokenKeeperDeps) {
    this.#deps = deps;
  }

  get accountId(): string | undefined {
    return this.#held?.value.account_id;
  }

  keep(value: TokensReply): void {
    this.#held = { value, expiresAtMs: performance.now() + value.expires_in * 1_000 };
    this.#deps.onTokens({ account_id: value.account_id, refresh_token: value.refresh_token });
  }

  /** Takes up an earlier login; the first call refreshes. */
  restore({ account_id, refresh_token }: StoredTokens): void {
    const value = {
      account_id,
      refresh_token,
      token_type: 'Bearer',
      access_token: '',
      expires_in: 0,
      refresh_expires_in: 0,
    } as const;
    this.#held = { value, expiresAtMs: Number.NEGATIVE_INFINITY };
  }

  forget(): void {
    if (this.#held === undefined) return;
    this.#held = undefined;
    this.#deps.onTokens(undefined);
  }

  /** A valid access token, and not `refused`. @throws WarrenError NOT_LOGGED_IN, AUTH_REFRESH_REFUSED, or of the network */
  async accessToken(refused?: string): Promise<string> {
    const held = this.#current();
    const leftMs = held.value.access_token === refused ? 0 : held.expiresAtMs - performance.now();
    if (leftMs > REFRESH_MARGIN_MS) return held.value.access_token;
    try {
      await this.#refresh(held);
    } catch (error) {
      // what is still valid is good enough while the service is away
      const isAway = error instanceof WarrenError && error.retryable;
      if (!isAway || leftMs <= 0) throw error;
    }
    return this.#current().value.access_token;
  }

  #current(): Held {
    if (this.#held === undefined) throw notLoggedIn();
    return this.#held;
  }

  #refresh(held: Held): Promise<void> {
    if (this.#refreshing?.of === held) return this.#refreshing.done;
    const done = this.#exchange(held).finally(() => {
      if (this.#refreshing?.of === held) this.#refreshing = undefined;
    });
    this.#refreshing = { of: held, done };
    return done;
  }

  async #exchange(held: Held): Promise<void> {
    const { api, callOptions } = this.#deps;
    try {
      // safe to repeat with an unknown outcome: the same token gets the same successor for a while
      const next = await api.call(REFRESH, { refresh_token: held.value.refresh_token }, callOptions());
      if (this.#held === held) this.keep(next);
    } catch (error) {
      const ended = error instanceof WarrenError && error.code === 'AUTH_REFRESH_REFUSED';
      if (ended && this.#held === held) this.forget();
      throw error;
    }
  }
}

const notLoggedIn = (): WarrenError => new WarrenError('NOT_LOGGED_IN', 'Log in first.');
