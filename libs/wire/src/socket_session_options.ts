import type { Api } from './api.ts';
import type { TokenSource } from './token_source.ts';

export type SessionState = 'open' | 'lost' | 'closed';

export interface SocketSessionOptions {
  readonly api: Api;
  /** `/v1/ws` for players, `/v1/servers/ws` for game servers. */
  readonly path: string;
  /** Asked at every connect. */
  readonly token: TokenSource;
  /** How long `open` keeps trying while the gateway cannot be reached, milliseconds. 15,000 unless said. */
  readonly openForMs?: number;
  /** Told of every connect, every loss (it comes back by itself) and the end for good; with the close code where there is one. */
  readonly onState?: (state: SessionState, reason: string, code?: number) => void;
  /** Events were lost beyond repair: read the state again. */
  readonly onGap?: () => void;
  /** Told of what a listener or another callback threw. Without it such an error is thrown again, uncaught, as for any event. */
  readonly onFault?: (error: unknown) => void;
}

export interface RequestOptions {
  /** Idempotency key, 8 to 128 visible ASCII characters; made when absent. */
  readonly key?: string;
  /** How long the service may take, milliseconds; at most the contract's own deadline. */
  readonly deadlineMs?: number;
  /** Keeps trying for this long with the same key, across lost connections, milliseconds. 0, one try, unless said. */
  readonly retryForMs?: number;
  readonly signal?: AbortSignal;
}
