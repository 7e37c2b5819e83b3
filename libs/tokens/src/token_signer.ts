import type { KeyObject } from 'node:crypto';
import { type Clock, newId, systemClock } from '@warren/kernel';
import jwt from 'jsonwebtoken';
import {
  ACCESS_AUDIENCE,
  ACCESS_TOKEN,
  type AccessClaims,
  ALGORITHM,
  JOIN_TICKET,
  type JoinClaims,
  joinAudience,
  SERVER_AUDIENCE,
  SERVER_TOKEN,
  type ServerClaims,
  type TokenKind,
} from './claims.ts';

/** A private P-256 key and the name under which its public half is published. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface SignedToken {
  readonly token: string;
  readonly jti: string;
  /** Seconds from now. */
  readonly expiresIn: number;
  readonly expiresAt: Date;
}

export interface TokenSignerDeps {
  readonly issuer: string;
  readonly clock?: Clock;
}

interface SignInput {
  readonly kind: TokenKind;
  readonly audience: string;
  readonly lifetimeSeconds: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Signs the three kinds of tokens. For auth-svc alone: nobody else holds a private key. */
export class TokenSigner {
  readonly #issuer: string;
  readonly #clock: Clock;

  constructor(deps: TokenSignerDeps) {
    if (deps.issuer === '') throw new TypeError('the token issuer is empty');
    this.#issuer = deps.issuer;
    this.#clock = deps.clock ?? systemClock;
  }

  signAccessToken(
    key: SigningKey,
    claims: Pick<AccessClaims, 'sub' | 'sid' | 'roles' | 'gen'>,
    lifetimeSeconds: number,
  ): SignedToken {
    const { sub, sid, roles, gen } = claims;
    return this.#sign(key, {
      kind: ACCESS_TOKEN,
      audience: ACCESS_AUDIENCE,
      lifetimeSeconds,
      claims: { sub, sid, roles, gen },
    });
  }

  signServerToken(key: SigningKey, claims: Pick<ServerClaims, 'sub' | 'key_id'>, lifetimeSeconds: number): SignedToken {
    const { sub, key_id } = claims;
    return this.#sign(key, { kind: SERVER_TOKEN, audience: SERVER_AUDIENCE, lifetimeSeconds, claims: { sub, key_id } });
  }

  signJoinTicket(
    key: SigningKey,
    claims: Pick<JoinClaims, 'sub' | 'game_id' | 'slot'> & { readonly instanceId: string },
    lifetimeSeconds: number,
  ): SignedToken {
    const { sub, game_id, slot, instanceId } = claims;
    return this.#sign(key, {
      kind: JOIN_TICKET,
      audience: joinAudience(instanceId),
      lifetimeSeconds,
      claims: { sub, game_id, slot },
    });
  }

  #sign(key: SigningKey, input: SignInput): SignedToken {
    const { kind, lifetimeSeconds } = input;
    if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > kind.maxLifetimeSeconds) {
      throw new RangeError(`a ${kind.typ} token lives 1 to ${kind.maxLifetimeSeconds} seconds, not ${lifetimeSeconds}`);
    }
    const iat = Math.floor(this.#clock.now() / 1_000);
    const exp = iat + lifetimeSeconds;
    const jti = newId();
    const payload = { iss: this.#issuer, aud: input.audience, ...input.claims, jti, iat, nbf: iat, exp };
    const token = jwt.sign(payload, key.privateKey, {
      algorithm: ALGORITHM,
      header: { alg: ALGORITHM, typ: kind.typ, kid: key.kid },
    });
    return { token, jti, expiresIn: lifetimeSeconds, expiresAt: new Date(exp * 1_000) };
  }
}
