import type { TokensReply } from '@warren/contracts';
import { newId } from '@warren/kernel';
import type { Tx } from '@warren/postgres';
import type { SigningKey, TokenSigner } from '@warren/tokens';
import type { AuthDomainSettings } from '../auth_settings.ts';
import type { PresentedToken, RefreshTokenRepository } from '../repositories/refresh_token_repository.ts';
import type { SessionRepository } from '../repositories/session_repository.ts';
import { newRefreshSecret, sealSuccessor, unsealSuccessor } from './refresh_secret.ts';

export interface SessionTokensDeps {
  readonly signer: TokenSigner;
  readonly sessions: SessionRepository;
  readonly refreshTokens: RefreshTokenRepository;
  readonly settings: AuthDomainSettings;
}

/** Who a session belongs to, and with which rights its next access token is signed. */
export interface SessionOwner {
  readonly accountId: string;
  readonly roles: string[];
  readonly gen: number;
}

interface RefreshHalf {
  readonly token: string;
  readonly secondsLeft: number;
}

/** Makes the pair of tokens that a client holds. */
export class SessionTokens {
  readonly #deps: SessionTokensDeps;

  constructor(deps: SessionTokensDeps) {
    this.#deps = deps;
  }

  /** A new session and its first pair. */
  async open(tx: Tx, key: SigningKey, owner: SessionOwner): Promise<TokensReply> {
    const { sessions, refreshTokens, settings } = this.#deps;
    const sessionId = newId();
    const { token, hash } = newRefreshSecret();
    const secondsLeft = Math.min(settings.refreshTokenTtlSeconds, settings.sessionTtlSeconds);
    await sessions.create(tx, { id: sessionId, accountId: owner.accountId, ttlSeconds: settings.sessionTtlSeconds });
    await refreshTokens.createFirst(tx, { hash, sessionId, ttlSeconds: secondsLeft });
    return this.#pair(
      key,
      { ...owner, sessionId, sessionSecondsLeft: settings.sessionTtlSeconds },
      { token, secondsLeft },
    );
  }

  /** Spends a token: its successor is the only one that it will ever have. */
  async rotate(
    tx: Tx,
    key: SigningKey,
    spent: { token: string; hash: Buffer; row: PresentedToken },
  ): Promise<TokensReply> {
    const { row } = spent;
    const successor = newRefreshSecret();
    const secondsLeft = Math.min(this.#deps.settings.refreshTokenTtlSeconds, row.sessionSecondsLeft);
    await this.#deps.refreshTokens.rotate(tx, {
      presented: row,
      presentedHash: spent.hash,
      successorHash: successor.hash,
      successorSealed: sealSuccessor(spent.token, successor.token),
      sessionId: row.sessionId,
      ttlSeconds: secondsLeft,
    });
    return this.#pair(key, row, { token: successor.token, secondsLeft });
  }

  /** The answer to a repeated refresh: the same successor again. */
  repeat(key: SigningKey, spent: { token: string; row: PresentedToken; sealed: Buffer }): TokensReply {
    const { token, row, sealed } = spent;
    return this.#pair(key, row, { token: unsealSuccessor(token, sealed), secondsLeft: row.successorSecondsLeft });
  }

  #pair(
    key: SigningKey,
    owner: SessionOwner & { sessionId: string; sessionSecondsLeft: number },
    refresh: RefreshHalf,
  ): TokensReply {
    const { accountId, sessionId, roles, gen } = owner;
    const lifetime = Math.max(1, Math.min(this.#deps.settings.accessTokenTtlSeconds, owner.sessionSecondsLeft));
    const access = this.#deps.signer.signAccessToken(key, { sub: accountId, sid: sessionId, roles, gen }, lifetime);
    return {
      account_id: accountId,
      token_type: 'Bearer',
      access_token: access.token,
      expires_in: access.expiresIn,
      refresh_token: refresh.token,
      refresh_expires_in: refresh.secondsLeft,
    };
  }
}
