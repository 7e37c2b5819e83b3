export { type AccessClaims, DEFAULT_TOKEN_ISSUER } from './claims.ts';
export type { Jwks, JwksSource } from './key_cache.ts';
export { type SigningKey, TokenSigner } from './token_signer.ts';
export { TokenVerifier } from './token_verifier.ts';
