export { type AccessClaims, DEFAULT_TOKEN_ISSUER, type JoinClaims, type ServerClaims } from './claims.ts';
export type { Jwks, JwksSource } from './key_cache.ts';
export { type SignedToken, type SigningKey, TokenSigner, type TokenSignerDeps } from './token_signer.ts';
export { TokenVerifier, type TokenVerifierDeps } from './token_verifier.ts';
