import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { REFRESH, RefreshDto, TokensReply } from '@warren/contracts';
import type { SigningKey } from '@warren/tokens';
import { raise } from '../auth_errors.ts';
import { CommittedRefusal } from '../orchestrators/committed_refusal.ts';
import type { RefreshTokenRepository } from '../repositories/refresh_token_repository.ts';
import type { SessionRepository } from '../repositories/session_repository.ts';
import { judgeRefresh } from '../services/judge_refresh.ts';
import { hashSecret } from '../services/refresh_secret.ts';
import type { SessionTokens } from '../services/session_tokens.ts';
import type { SigningKeyRing } from '../services/signing_key_ring.ts';

export interface RefreshHandlerDeps {
  readonly sessions: SessionRepository;
  readonly refreshTokens: RefreshTokenRepository;
  readonly keys: SigningKeyRing;
  readonly tokens: SessionTokens;
}

/** Exchanges a refresh token. The session's row is locked throughout, so parallel calls with one token come one by one. */
export class RefreshHandler implements HandlerFor<typeof REFRESH, SigningKey> {
  readonly #deps: RefreshHandlerDeps;

  constructor(deps: RefreshHandlerDeps) {
    this.#deps = deps;
  }

  prepare(): Promise<SigningKey> {
    return this.#deps.keys.active();
  }

  async apply(dto: RefreshDto, { tx, command }: ApplyContext, key: SigningKey): Promise<TokensReply> {
    const { sessions, refreshTokens, tokens } = this.#deps;
    const token = dto.refresh_token;
    const hash = hashSecret(token);
    const verdict = judgeRefresh(await refreshTokens.lock(tx, hash));
    if (verdict.kind === 'rotate') return tokens.rotate(tx, key, { token, hash, row: verdict.row });
    if (verdict.kind === 'repeat') return tokens.repeat(key, { token, row: verdict.row, sealed: verdict.sealed });
    const refusal = raise('AUTH_REFRESH_REFUSED');
    if (verdict.kind === 'refused') throw refusal;
    const { sessionId } = verdict.row;
    await sessions.revoke(tx, sessionId, 'reuse');
    command.logger.warn({ session: sessionId }, 'a spent refresh token was used again: its session is revoked');
    throw new CommittedRefusal(refusal);
  }
}
