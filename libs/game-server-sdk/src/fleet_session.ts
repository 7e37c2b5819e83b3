import { EXCHANGE_SERVER_KEY, JwksReply } from '@warren/contracts';
import { TokenVerifier } from '@warren/tokens';
import { type Api, WarrenError } from '@warren/wire';

export interface FleetSessionOptions {
  readonly api: Api;
  /** Fleet key, made by `warren server-key create`. */
  readonly serverKey: string;
  readonly instanceId: string;
  /** `iss` of the platform's tokens. */
  readonly issuer: string;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
}

interface ServerToken {
  readonly value: string;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

/** Renewed when this share of its life is over, so that it is there while the service is away for a while. */
const RENEW_AFTER = 0.75;
const RETRY_MS = 30_000;
/** A player who waits for the keys gives up soon. */
const KEYS_RETRY_MS = 3_000;

/** The server's credentials: the fleet key becomes a short token, renewed in time; the public keys verify join tickets. */
export class FleetSession {
  readonly verifier: TokenVerifier;
  readonly #options: FleetSessionOptions;
  #token: ServerToken | undefined;
  #renewing: Promise<string> | undefined;

  constructor(options: FleetSessionOptions) {
    this.#options = options;
    this.verifier = new TokenVerifier({ source: { fetchKeys: () => this.#fetchKeys() }, issuer: options.issuer });
  }

  /** A valid token, and not `refused`. @throws WarrenError AUTH_SERVER_KEY_REFUSED, AUTH_INSTANCE_TAKEN, or of the network */
  async token(refused?: string): Promise<string> {
    const held = this.#token?.value === refused ? undefined : this.#token;
    const now = performance.now();
    if (held !== undefined && now < held.renewAtMs) return held.value;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    if (held === undefined || now >= held.endsAtMs) return this.#renewing;
    // the one at hand does for now; whoever needs the next one hears of a failure
    this.#renewing.catch(() => undefined);
    return held.value;
  }

  async #renew(): Promise<string> {
    const { api, serverKey, instanceId, signal } = this.#options;
    const askedAt = performance.now();
    const reply = await api.call(
      EXCHANGE_SERVER_KEY,
      { server_key: serverKey, instance_id: instanceId },
      { retryForMs: RETRY_MS, signal },
    );
    const lifeMs = reply.expires_in * 1_000;
    this.#token = { value: reply.access_token, renewAtMs: askedAt + lifeMs * RENEW_AFTER, endsAtMs: askedAt + lifeMs };
    return reply.access_token;
  }

  async #fetchKeys(): Promise<JwksReply> {
    const { api, signal } = this.#options;
    const reply = JwksReply.safeParse(
      await api.request('GET', '/.well-known/jwks.json', { retryForMs: KEYS_RETRY_MS, signal }),
    );
    if (!reply.success)
      throw new WarrenError('REPLY_UNEXPECTED', 'The keys of the platform cannot be read.', { cause: reply.error });
    return reply.data;
  }
}
