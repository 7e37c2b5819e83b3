import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { VALIDATE_TOKEN, ValidateTokenDto, ValidateTokenReply } from '@warren/contracts';
import { AppError } from '@warren/kernel';
import type { AccessClaims, TokenVerifier } from '@warren/tokens';
import type { SessionRepository } from '../repositories/session_repository.ts';

export interface ValidateTokenHandlerDeps {
  readonly verifier: TokenVerifier;
  readonly sessions: SessionRepository;
}

/** Says more than a signature can: whether the session behind a token still lives, with the rights that it names. */
export class ValidateTokenHandler implements HandlerFor<typeof VALIDATE_TOKEN, AccessClaims | undefined> {
  readonly #deps: ValidateTokenHandlerDeps;

  constructor(deps: ValidateTokenHandlerDeps) {
    this.#deps = deps;
  }

  async prepare(dto: ValidateTokenDto): Promise<AccessClaims | undefined> {
    try {
      return await this.#deps.verifier.verifyAccessToken(dto.token);
    } catch (cause) {
      if (cause instanceof AppError && cause.kind === 'unauthenticated') return undefined;
      throw cause;
    }
  }

  async apply(
    _dto: ValidateTokenDto,
    { tx }: ApplyContext,
    claims: AccessClaims | undefined,
  ): Promise<ValidateTokenReply> {
    if (claims === undefined) return { active: false };
    const session = await this.#deps.sessions.findLive(tx, claims.sid, claims.sub);
    if (session === undefined || session.gen !== claims.gen) return { active: false };
    return {
      active: true,
      account_id: claims.sub,
      session_id: claims.sid,
      roles: session.roles,
      expires_at: new Date(claims.exp * 1_000).toISOString(),
    };
  }
}
