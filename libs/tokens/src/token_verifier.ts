import { type Clock, systemClock } from '@warren/kernel';
import jwt from 'jsonwebtoken';
import type * as z from 'zod';
import {
  ACCESS_AUDIENCE,
  ACCESS_TOKEN,
  AccessClaims,
  ALGORITHM,
  CLOCK_TOLERANCE_SECONDS,
  JOIN_TICKET,
  JoinClaims,
  joinAudience,
  SERVER_AUDIENCE,
  SERVER_TOKEN,
  ServerClaims,
  TokenHeader,
  type TokenKind,
} from './claims.ts';
import { type JwksSource, KeyCache } from './key_cache.ts';
import { refuseToken } from './token_errors.ts';
import { VerifiedTokens } from './verified_tokens.ts';

/** Longest token that is looked at, characters: a larger one costs its sender nothing and us much (8 MB: 0.7 s). */
export const MAX_TOKEN_CHARS = 4_096;

/** Three base64url parts; an ES256 signature is 64 bytes, 86 characters. */
const COMPACT = /^([A-Za-z0-9_-]{2,1024})\.[A-Za-z0-9_-]{2,3500}\.[A-Za-z0-9_-]{86}$/;

export interface TokenVerifierDeps {
  readonly source: JwksSource;
  /** The `iss` of every token; the AUTH_TOKEN_ISSUER of the deployment. */
  readonly issuer: string;
  readonly clock?: Clock;
}

interface Expectation<C extends z.ZodType> {
  readonly kind: TokenKind;
  readonly audience: string;
  readonly claims: C;
}

interface Verified<Claims> {
  readonly kid: string;
  readonly claims: Claims;
}

interface TimeClaims {
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
}

/**
 * Verifies the three kinds of tokens that auth-svc signs. jsonwebtoken alone accepts a missing `exp`, any `typ`, an unknown
 * `crit`, a future `iat` and an empty audience, so each of these is checked here.
 * A session or ticket is revoked by `sid` or `jti`, never by the text of its token: an ES256 token has a valid twin.
 */
export class TokenVerifier {
  readonly #keys: KeyCache;
  readonly #issuer: string;
  readonly #clock: Clock;
  readonly #verified = new VerifiedTokens();

  /** @throws TypeError for an empty issuer, with which jsonwebtoken would skip the check. */
  constructor(deps: TokenVerifierDeps) {
    if (deps.issuer === '') throw new TypeError('the token issuer is empty');
    this.#issuer = deps.issuer;
    this.#clock = deps.clock ?? systemClock;
    this.#keys = new KeyCache({ source: deps.source, clock: this.#clock });
  }

  /** Fetches the keys ahead of the first token. @throws AppError SERVICE_UNAVAILABLE */
  async load(): Promise<void> {
    await this.#keys.load();
  }

  /** A player's access token. @throws AppError ACCESS_UNAUTHENTICATED, or SERVICE_UNAVAILABLE without keys */
  async verifyAccessToken(token: string): Promise<AccessClaims> {
    const remembered = this.#recall(token);
    if (remembered !== undefined) return remembered;
    const { kid, claims } = await this.#verify(token, {
      kind: ACCESS_TOKEN,
      audience: ACCESS_AUDIENCE,
      claims: AccessClaims,
    });
    Object.freeze(claims.roles);
    this.#verified.add(token, { kid, claims: Object.freeze(claims) });
    return claims;
  }

  /** A game server's token. @throws as verifyAccessToken */
  async verifyServerToken(token: string): Promise<ServerClaims> {
    const { claims } = await this.#verify(token, {
      kind: SERVER_TOKEN,
      audience: SERVER_AUDIENCE,
      claims: ServerClaims,
    });
    return claims;
  }

  /** A player's ticket for this game server; the server itself must refuse a `jti` that it has seen. @throws as verifyAccessToken */
  async verifyJoinTicket(token: string, options: { readonly instanceId: string }): Promise<JoinClaims> {
    if (options.instanceId === '') throw new TypeError('the instance id is empty');
    const audience = joinAudience(options.instanceId);
    const { claims } = await this.#verify(token, { kind: JOIN_TICKET, audience, claims: JoinClaims });
    return claims;
  }

  /** A token seen before, as long as it lives and its key is still published. */
  #recall(token: string): AccessClaims | undefined {
    const entry = this.#verified.get(token);
    if (entry === undefined) return undefined;
    const alive = this.#clock.now() < (entry.claims.exp + CLOCK_TOLERANCE_SECONDS) * 1_000;
    if (alive && this.#keys.known(entry.kid) !== undefined) return entry.claims;
    this.#verified.forget(token);
    return undefined;
  }

  async #verify<C extends z.ZodType<TimeClaims>>(
    token: string,
    expected: Expectation<C>,
  ): Promise<Verified<z.output<C>>> {
    const header = readHeader(token);
    if (header.typ !== expected.kind.typ) throw refuseToken(`the typ is not ${expected.kind.typ}`);
    const key = await this.#keys.find(header.kid);
    const now = Math.floor(this.#clock.now() / 1_000);
    let payload: unknown;
    try {
      payload = jwt.verify(token, key, {
        algorithms: [ALGORITHM],
        issuer: this.#issuer,
        audience: expected.audience,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        clockTimestamp: now,
      });
    } catch (cause) {
      throw refuseToken('the signature or a registered claim is wrong', cause);
    }
    const claims = expected.claims.safeParse(payload);
    if (!claims.success) throw refuseToken('the claims do not fit', claims.error);
    checkTimes(claims.data, expected.kind, now);
    return { kid: header.kid, claims: claims.data };
  }
}

/** Reads the header of a token whose outer form is right, before any key is touched. */
function readHeader(token: unknown): TokenHeader {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_CHARS) throw refuseToken('not a token, or too long');
  const encoded = COMPACT.exec(token)?.[1];
  if (encoded === undefined) throw refuseToken('not a compact ES256 token');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
  } catch (cause) {
    throw refuseToken('the header is not JSON', cause);
  }
  const header = TokenHeader.safeParse(parsed);
  if (!header.success) throw refuseToken('the header does not fit', header.error);
  return header.data;
}

function checkTimes(claims: TimeClaims, kind: TokenKind, now: number): void {
  if (claims.iat > now + CLOCK_TOLERANCE_SECONDS) throw refuseToken('issued in the future');
  const lifetime = claims.exp - claims.iat;
  if (lifetime <= 0 || lifetime > kind.maxLifetimeSeconds) throw refuseToken('the lifetime is out of bounds');
}
