import { timingSafeEqual } from 'node:crypto';
import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { EXCHANGE_SERVER_KEY, ExchangeServerKeyDto, ServerTokenReply } from '@warren/contracts';
import type { SigningKey, TokenSigner } from '@warren/tokens';
import { raise } from '../auth_errors.ts';
import type { ServerKeyRepository } from '../repositories/server_key_repository.ts';
import { hashSecret } from '../services/refresh_secret.ts';
import type { SigningKeyRing } from '../services/signing_key_ring.ts';

const SERVER_TOKEN_SECONDS = 600;

export interface ExchangeServerKeyHandlerDeps {
  readonly serverKeys: ServerKeyRepository;
  readonly keys: SigningKeyRing;
  readonly signer: TokenSigner;
}

/** Gives a game server its short token. The first key that names an instance id owns it. */
export class ExchangeServerKeyHandler implements HandlerFor<typeof EXCHANGE_SERVER_KEY, SigningKey> {
  readonly #deps: ExchangeServerKeyHandlerDeps;

  constructor(deps: ExchangeServerKeyHandlerDeps) {
    this.#deps = deps;
  }

  prepare(): Promise<SigningKey> {
    return this.#deps.keys.active();
  }

  async apply(dto: ExchangeServerKeyDto, { tx }: ApplyContext, key: SigningKey): Promise<ServerTokenReply> {
    const { serverKeys, signer } = this.#deps;
    const hash = hashSecret(dto.server_key);
    // looked up by hash, so what an index may reveal by its timing is nothing of the key
    const stored = await serverKeys.find(tx, hash);
    if (stored === undefined || stored.revoked || !timingSafeEqual(stored.hash, hash))
      throw raise('AUTH_SERVER_KEY_REFUSED');
    if (!(await serverKeys.bindInstance(tx, dto.instance_id, stored.id))) throw raise('AUTH_INSTANCE_TAKEN');
    const { token, expiresIn } = signer.signServerToken(
      key,
      { sub: dto.instance_id, key_id: stored.id },
      SERVER_TOKEN_SECONDS,
    );
    return { token_type: 'Bearer', access_token: token, expires_in: expiresIn };
  }
}
