import { GET_JWKS, type JwksReply } from '@warren/contracts';
import type { Clock } from '@warren/kernel';
import type { RpcClient } from '@warren/rabbit';
import type { JwksSource } from '@warren/tokens';

/** How long the public address answers from memory; clients may keep the answer as long. */
export const JWKS_FRESH_SECONDS = 60;
/** Anybody may ask at the public address, so that while auth-svc does not answer it is asked this rarely. */
const RETRY_MS = 1_000;

/** The public keys of auth-svc: for the verifier of this gateway, and for everybody at `/.well-known/jwks.json`. */
export class RpcJwks implements JwksSource {
  readonly #rpc: Pick<RpcClient, 'call'>;
  readonly #clock: Clock;
  #asking: Promise<JwksReply> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #last: { readonly reply: JwksReply; readonly at: number } | undefined;

  constructor(deps: { readonly rpc: Pick<RpcClient, 'call'>; readonly clock: Clock }) {
    this.#rpc = deps.rpc;
    this.#clock = deps.clock;
  }

  /** @throws AppError SERVICE_UNAVAILABLE, SERVICE_TIMEOUT */
  async fetchKeys(): Promise<JwksReply> {
    const reply = await this.#rpc.call(GET_JWKS, {});
    this.#last = { reply, at: this.#clock.monotonicMs() };
    return reply;
  }

  /** The keys, at most a minute old while auth-svc answers; older ones while it does not. */
  async published(): Promise<JwksReply> {
    const last = this.#last;
    const now = this.#clock.monotonicMs();
    const fresh = last !== undefined && now - last.at < JWKS_FRESH_SECONDS * 1_000;
    if (fresh || (last !== undefined && now - this.#triedAt < RETRY_MS)) return last.reply;
    this.#triedAt = now;
    this.#asking ??= this.fetchKeys().finally(() => {
      this.#asking = undefined;
    });
    try {
      return await this.#asking;
    } catch (error) {
      if (last === undefined) throw error;
      return last.reply;
    }
  }
}
