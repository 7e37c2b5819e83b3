import { GET_JWKS, type JwksReply } from '@warren/contracts';
import type { Clock } from '@warren/kernel';
import type { RpcClient } from '@warren/rabbit';
import type { JwksSource } from '@warren/tokens';

/** How long the public address answers from memory; clients may keep the answer as long. */
export const JWKS_FRESH_SECONDS = 60;

/** The public keys of auth-svc: for the verifier of this gateway, and for everybody at `/.well-known/jwks.json`. */
export class RpcJwks implements JwksSource {
  readonly #rpc: Pick<RpcClient, 'call'>;
  readonly #clock: Clock;
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
    if (last !== undefined && this.#clock.monotonicMs() - last.at < JWKS_FRESH_SECONDS * 1_000) return last.reply;
    try {
      return await this.fetchKeys();
    } catch (error) {
      if (last === undefined) throw error;
      return last.reply;
    }
  }
}
