import { createPublicKey, type KeyObject } from 'node:crypto';
import { JwksReply } from '@warren/contracts';
import type { Clock } from '@warren/kernel';
import { keysUnavailable, refuseToken } from './token_errors.ts';

/** Public keys as RFC 7517 writes them. */
export type Jwks = JwksReply;

/** Where public keys come from: `auth.get_jwks`, the gateway's `/.well-known/jwks.json`, or auth-svc's own table. */
export interface JwksSource {
  fetchKeys(): Promise<Jwks>;
}

/** An unknown kid causes at most one fetch in this time, so that invented kids cannot flood the source. */
export const MIN_REFRESH_INTERVAL_MS = 2_000;

/** After a fetch that failed the next one may come this soon: until one succeeds, tokens are refused that may be good. */
export const RETRY_INTERVAL_MS = 200;

/** After this time the keys are fetched again in the background, so that a withdrawn key stops working. */
export const KEYS_FRESH_MS = 300_000;

/** Keys older than this are not believed any more, even when the source cannot be reached. */
export const KEYS_USABLE_MS = 3_600_000;

/** More keys than any rotation needs: a longer answer is a fault of the source. */
export const MAX_KEYS = 16;

export interface KeyCacheDeps {
  readonly source: JwksSource;
  readonly clock: Clock;
}

/** Public keys by kid. One fetch at a time, whoever asks. */
export class KeyCache {
  readonly #source: JwksSource;
  readonly #clock: Clock;
  #keys: ReadonlyMap<string, KeyObject> = new Map();
  #loadedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #running: Promise<void> | undefined;

  constructor(deps: KeyCacheDeps) {
    this.#source = deps.source;
    this.#clock = deps.clock;
  }

  /** Fetches the keys now. @throws AppError SERVICE_UNAVAILABLE */
  async load(): Promise<void> {
    await this.#refresh();
    if (this.#failure !== undefined) throw keysUnavailable(this.#failure);
  }

  /** @throws AppError ACCESS_UNAUTHENTICATED for a kid that does not exist, SERVICE_UNAVAILABLE when that cannot be known. */
  async find(kid: string): Promise<KeyObject> {
    const known = this.known(kid);
    if (known !== undefined) return known;
    await this.#refreshWithinCap();
    const fetched = this.known(kid);
    if (fetched !== undefined) return fetched;
    if (this.#failure !== undefined) throw keysUnavailable(this.#failure);
    throw refuseToken('no key has this kid');
  }

  /** The key as far as it is known now; starts a refresh in the background when the keys are getting old. */
  known(kid: string): KeyObject | undefined {
    const age = this.#clock.monotonicMs() - this.#loadedAt;
    if (age >= KEYS_USABLE_MS) return undefined;
    if (age >= KEYS_FRESH_MS) void this.#refreshWithinCap();
    return this.#keys.get(kid);
  }

  async #refreshWithinCap(): Promise<void> {
    const pause = this.#failure === undefined ? MIN_REFRESH_INTERVAL_MS : RETRY_INTERVAL_MS;
    const due = this.#clock.monotonicMs() - this.#triedAt >= pause;
    if (this.#running !== undefined || due) await this.#refresh();
  }

  #refresh(): Promise<void> {
    this.#running ??= this.#fetch().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #fetch(): Promise<void> {
    this.#triedAt = this.#clock.monotonicMs();
    try {
      this.#keys = readKeys(await this.#source.fetchKeys());
      this.#loadedAt = this.#clock.monotonicMs();
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = cause;
    }
  }
}

function readKeys(answer: unknown): Map<string, KeyObject> {
  const { keys } = JwksReply.parse(answer);
  if (keys.length > MAX_KEYS)
    throw new Error(`the key source answered ${keys.length} keys, at most ${MAX_KEYS} are believed`);
  const found = new Map<string, KeyObject>();
  for (const { kid, kty, crv, x, y } of keys) {
    if (found.has(kid)) throw new Error('the key source answered two keys with one kid');
    found.set(kid, createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' }));
  }
  return found;
}
