import { NameField } from '@warren/contracts';
import * as z from 'zod';

/** Issuer of a deployment that sets no own AUTH_TOKEN_ISSUER. */
export const DEFAULT_TOKEN_ISSUER = 'warren';

/** The only algorithm, so that no header can talk a verifier into another one. */
export const ALGORITHM = 'ES256';

/** How far two clocks may be apart, seconds. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** The audience of access tokens: the gateway alone lets players in. */
export const ACCESS_AUDIENCE = 'warren-gateway';

/** The audience of the tokens with which game servers speak to the gateway. */
export const SERVER_AUDIENCE = 'warren-server';

/** The audience of a join ticket: one running game server. */
export const joinAudience = (instanceId: string): string => `warren-game:${instanceId}`;

/** One kind of token: its `typ` header and the longest life that a verifier believes. */
export interface TokenKind {
  readonly typ: string;
  readonly maxLifetimeSeconds: number;
}

export const ACCESS_TOKEN: TokenKind = { typ: 'at+jwt', maxLifetimeSeconds: 600 };
export const SERVER_TOKEN: TokenKind = { typ: 'server+jwt', maxLifetimeSeconds: 600 };
export const JOIN_TICKET: TokenKind = { typ: 'join+jwt', maxLifetimeSeconds: 60 };

const MAX_ROLES = 16;
const LATEST_SECOND = 253_402_300_799;

const SecondField = z.int().min(0).max(LATEST_SECOND);
const UuidField = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

const common = {
  iss: z.string(),
  aud: z.string(),
  jti: UuidField,
  iat: SecondField,
  nbf: SecondField,
  exp: SecondField,
};

/** `sub` is the account, `sid` its session, `gen` the generation of its rights: a higher one makes this token stale. */
export const AccessClaims = z.strictObject({
  ...common,
  sub: UuidField,
  sid: UuidField,
  roles: z.array(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/)).max(MAX_ROLES),
  gen: SecondField,
});
export type AccessClaims = z.output<typeof AccessClaims>;

/** `sub` is the instance id of the game server, `key_id` the fleet key it was given for. */
export const ServerClaims = z.strictObject({ ...common, sub: NameField, key_id: UuidField });
export type ServerClaims = z.output<typeof ServerClaims>;

/** `sub` is the player; usable once (by `jti`) at the one server that `aud` names. */
export const JoinClaims = z.strictObject({
  ...common,
  sub: UuidField,
  game_id: UuidField,
  slot: z.int().min(0).max(255),
});
export type JoinClaims = z.output<typeof JoinClaims>;

/** The header that Warren writes; a token with anything more (`jwk`, `jku`, `x5u`, `crit`, `b64`, `zip`) is not ours. */
export const TokenHeader = z.strictObject({
  alg: z.literal(ALGORITHM),
  typ: z.string(),
  kid: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
});
export type TokenHeader = z.output<typeof TokenHeader>;
