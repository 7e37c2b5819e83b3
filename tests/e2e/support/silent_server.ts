import {
  type Assignment,
  EXCHANGE_SERVER_KEY,
  REGISTER_SERVER,
  REPORT_HEARTBEAT,
  ReportHeartbeatReply,
  ServerTokenReply,
} from '@warren/contracts';
import type { SecretBook } from './secret_book.ts';

export interface SilentServerOptions {
  readonly gatewayUrl: string;
  readonly serverKey: string;
  readonly instanceId: string;
  readonly secrets: SecretBook;
}

const HEARTBEAT_MS = 500;

/** A game server that registers and reports its load by plain HTTP and never takes up a game that it is given. */
export class SilentServer {
  /** Games that were given to it. */
  readonly assigned = new Map<string, Assignment>();
  readonly #options: SilentServerOptions;
  readonly #stop = new AbortController();
  #token = '';
  #beating: Promise<void> | undefined;

  constructor(options: SilentServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { serverKey, instanceId } = this.#options;
    const reply = await this.#post(EXCHANGE_SERVER_KEY.http?.path, { server_key: serverKey, instance_id: instanceId });
    this.#token = ServerTokenReply.parse(reply).access_token;
    await this.#post(REGISTER_SERVER.http?.path, { address: 'ws://127.0.0.1:9', capacity: 5 });
    this.#beating = this.#beat();
  }

  /** Takes no more games and goes silent for good. */
  async retire(): Promise<void> {
    this.#stop.abort();
    await this.#beating;
    await this.#post('/v1/servers/drain', {});
  }

  async #beat(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const reply = await this.#post(REPORT_HEARTBEAT.http?.path, { cpu: 0.1, ram: 0.1, games: [] });
      for (const assignment of ReportHeartbeatReply.parse(reply).assignments)
        this.assigned.set(assignment.game_id, assignment);
      await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
    }
  }

  async #post(path: string | undefined, body: object): Promise<unknown> {
    if (path === undefined) throw new TypeError('the contract has no route');
    const headers = {
      authorization: `Bearer ${this.#token}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    };
    const response = await this.#options.secrets.fetch(new URL(path, this.#options.gatewayUrl), {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}
