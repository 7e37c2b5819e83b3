import { EXCHANGE_SERVER_KEY, JwksReply } from '@warren/contracts';
import { TokenVerifier } from '@warren/tokens';
import { Api } from '@warren/wire';

export interface FleetSessionOptions {
  readonly gatewayUrl: string;
  /** Fleet key, made by `warren server-key create`. */
  readonly serverKey: string;
  readonly instanceId: string;
  /** `iss` of the platform's tokens. */
  readonly issuer: string;
}

const RENEW_MARGIN_MS = 60_000;
const RETRY_MS = 30_000;

/** The server's credentials: the fleet key becomes a short token, renewed in time; the public keys verify join tickets. */
export class FleetSession {
  readonly api: Api;
  readonly verifier: TokenVerifier;
  readonly #options: FleetSessionOptions;
  #token: { readonly value: string; readonly expiresAt: number } | undefined;
  #renewing: Promise<string> | undefined;

  constructor(options: FleetSessionOptions) {
    this.#options = options;
    this.api = new Api({ baseUrl: options.gatewayUrl });
    this.verifier = new TokenVerifier({ source: { fetchKeys: () => this.#fetchKeys() }, issuer: options.issuer });
  }

  /** @throws WarrenError AUTH_SERVER_KEY_REFUSED */
  async token(): Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.expiresAt - RENEW_MARGIN_MS) return this.#token.value;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<string> {
    const { serverKey, instanceId } = this.#options;
    const reply = await this.api.call(EXCHANGE_SERVER_KEY, { server_key: serverKey, instance_id: instanceId }, { retryForMs: RETRY_MS });
    this.#token = { value: reply.access_token, expiresAt: Date.now() + reply.expires_in * 1_000 };
    return reply.access_token;
  }

  async #fetchKeys(): Promise<JwksReply> {
    return JwksReply.parse(await this.api.request('GET', '/.well-known/jwks.json', { retryForMs: RETRY_MS }));
  }
}
