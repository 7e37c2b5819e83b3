import type { AccessClaims } from './claims.ts';

/** Verified tokens that are remembered; about 10 MB at most. */
export const MAX_VERIFIED_TOKENS = 10_000;

export interface VerifiedToken {
  readonly kid: string;
  readonly claims: AccessClaims;
}

/**
 * Tokens whose signature was checked already, by their whole text, least recently used first out. A check of ES256 takes a
 * good part of a millisecond, and a player sends the same token with every request. Refusals are not kept: they would let
 * garbage push out the tokens of players.
 */
export class VerifiedTokens {
  readonly #entries = new Map<string, VerifiedToken>();

  get(token: string): VerifiedToken | undefined {
    const entry = this.#entries.get(token);
    if (entry === undefined) return undefined;
    this.#entries.delete(token);
    this.#entries.set(token, entry);
    return entry;
  }

  add(token: string, entry: VerifiedToken): void {
    this.#entries.set(token, entry);
    if (this.#entries.size <= MAX_VERIFIED_TOKENS) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  forget(token: string): void {
    this.#entries.delete(token);
  }

  get size(): number {
    return this.#entries.size;
  }
}
