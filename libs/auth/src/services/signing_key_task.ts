import type { SigningKeyRing } from './signing_key_ring.ts';

/** Makes sure at start that this replica can sign, so that a wrong AUTH_KEY_ENCRYPTION_KEY shows then and not at the first login. */
export class SigningKeyTask {
  readonly name = 'signing key';
  readonly #ring: SigningKeyRing;

  constructor(deps: { readonly ring: SigningKeyRing }) {
    this.#ring = deps.ring;
  }

  /** @throws AppError AUTH_SIGNING_KEY_UNREADABLE */
  async start(): Promise<void> {
    await this.#ring.active();
  }

  async stop(): Promise<void> {
    // nothing runs after start
  }
}
