import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { GET_JWKS, JwksReply } from '@warren/contracts';
import type { SigningKeyRepository } from '../repositories/signing_key_repository.ts';
import type { SigningKeyRing } from '../services/signing_key_ring.ts';

export interface GetJwksHandlerDeps {
  readonly keys: SigningKeyRepository;
  readonly ring: SigningKeyRing;
}

/** The public keys. An answer without any would be remembered by every verifier, so the first key is made before it. */
export class GetJwksHandler implements HandlerFor<typeof GET_JWKS> {
  readonly #deps: GetJwksHandlerDeps;

  constructor(deps: GetJwksHandlerDeps) {
    this.#deps = deps;
  }

  async prepare(): Promise<undefined> {
    await this.#deps.ring.active();
  }

  apply(_dto: object, { tx }: ApplyContext): Promise<JwksReply> {
    return this.#deps.keys.published(tx);
  }
}
