import { AppError } from '@warren/kernel';
import type { TokenVerifier } from '@warren/tokens';
import type { Principal } from './principal.ts';

/** `typ` of the tokens of game servers; every other token is taken for a player's. */
const SERVER_TYP = 'server+jwt';
const MAX_HEADER_CHARS = 1_024;

/** Turns tokens into principals. Signatures are checked here in the process; auth-svc is not asked per call. */
export class Authenticator {
  readonly #verifier: TokenVerifier;

  constructor(deps: { readonly verifier: TokenVerifier }) {
    this.#verifier = deps.verifier;
  }

  /** @throws AppError ACCESS_UNAUTHENTICATED, or SERVICE_UNAVAILABLE while there are no keys */
  async authenticate(token: string): Promise<Principal> {
    if (typOf(token) === SERVER_TYP) {
      const claims = await this.#verifier.verifyServerToken(token);
      return { kind: 'server', id: claims.sub, expiresAt: claims.exp * 1_000 };
    }
    return this.#authenticatePlayer(token);
  }

  /** The same where a player is expected, which is nearly always: the token's header is looked at only after a refusal. */
  async authenticateFor(kind: 'player' | 'server' | 'either', token: string): Promise<Principal> {
    if (kind !== 'player') return this.authenticate(token);
    try {
      return await this.#authenticatePlayer(token);
    } catch (error) {
      const mayBeServer = error instanceof AppError && error.kind === 'unauthenticated' && typOf(token) === SERVER_TYP;
      if (mayBeServer) return this.authenticate(token);
      throw error;
    }
  }

  async #authenticatePlayer(token: string): Promise<Principal> {
    const claims = await this.#verifier.verifyAccessToken(token);
    return {
      kind: 'player',
      id: claims.sub,
      sessionId: claims.sid,
      roles: claims.roles,
      expiresAt: claims.exp * 1_000,
    };
  }
}

/** What a token says of itself; only to choose the check, never trusted. */
function typOf(token: string): string | undefined {
  const head = token.slice(0, token.indexOf('.'));
  if (head === '' || head.length > MAX_HEADER_CHARS) return undefined;
  try {
    const header: unknown = JSON.parse(Buffer.from(head, 'base64url').toString('utf8'));
    const typ = typeof header === 'object' && header !== null && 'typ' in header ? header.typ : undefined;
    return typeof typ === 'string' ? typ : undefined;
  } catch {
    return undefined;
  }
}
