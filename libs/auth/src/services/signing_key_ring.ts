import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { Clock } from '@warren/kernel';
import { newSecret } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import type { Jwks, JwksSource, SigningKey } from '@warren/tokens';
import { signingKeyUnreadable } from '../auth_errors.ts';
import type { NewSigningKey, SigningKeyRepository, StoredSigningKey } from '../repositories/signing_key_repository.ts';
import { seal, unseal } from './sealed_box.ts';

/** How long a replica signs with a key before it looks whether another one took its place. */
const ACTIVE_KEY_FRESH_MS = 30_000;
const KID_BYTES = 12;

export interface SigningKeyRingDeps {
  readonly database: Database;
  readonly keys: SigningKeyRepository;
  readonly encryptionKey: Buffer;
  readonly clock: Clock;
}

/** The keys that sign tokens. Private halves exist in this process and, encrypted, in the database; nowhere else. */
export class SigningKeyRing implements JwksSource {
  readonly #deps: SigningKeyRingDeps;
  #active: SigningKey | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<SigningKey> | undefined;

  constructor(deps: SigningKeyRingDeps) {
    this.#deps = deps;
  }

  /**
   * The key that signs now; the first caller of the whole deployment creates it.
   * @throws AppError AUTH_SIGNING_KEY_UNREADABLE when AUTH_KEY_ENCRYPTION_KEY is not the one it was stored under
   */
  async active(): Promise<SigningKey> {
    const fresh = this.#deps.clock.monotonicMs() - this.#loadedAt < ACTIVE_KEY_FRESH_MS;
    if (fresh && this.#active !== undefined) return this.#active;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  fetchKeys(): Promise<Jwks> {
    return this.#deps.keys.published(this.#deps.database.read);
  }

  async #load(): Promise<SigningKey> {
    const stored = (await this.#deps.keys.findActive(this.#deps.database.read)) ?? (await this.#ensure());
    const key = this.#active?.kid === stored.kid ? this.#active : this.#open(stored);
    this.#active = key;
    this.#loadedAt = this.#deps.clock.monotonicMs();
    return key;
  }

  /** Replicas that start at once meet at the lock; all but the first find its key. */
  #ensure(): Promise<StoredSigningKey> {
    const { database, keys } = this.#deps;
    return database.transaction(async (tx) => {
      await keys.lockKeys(tx);
      const found = await keys.findActive(tx);
      if (found !== undefined) return found;
      const created = this.#generate();
      await keys.createActive(tx, created);
      return created;
    });
  }

  #generate(): NewSigningKey {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    if (x === undefined || y === undefined) throw new TypeError('the generated key has no public point');
    const kid = newSecret(KID_BYTES);
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    return { kid, publicX: x, publicY: y, privateSealed: seal(pkcs8, { key: this.#deps.encryptionKey, label: kid }) };
  }

  #open({ kid, privateSealed }: StoredSigningKey): SigningKey {
    try {
      const der = unseal(privateSealed, { key: this.#deps.encryptionKey, label: kid });
      return { kid, privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
    } catch (cause) {
      throw signingKeyUnreadable(kid, cause);
    }
  }
}
