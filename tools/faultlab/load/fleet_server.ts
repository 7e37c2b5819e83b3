import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIRM_ASSIGNMENT, EXCHANGE_SERVER_KEY, REGISTER_SERVER, REPORT_HEARTBEAT } from '@warren/contracts';
import { Api, WarrenError } from '@warren/wire';
import type { Call } from './caller.ts';
import { unknown, type Verdict, verdictOfError } from './verdict.ts';

export interface FleetServerOptions {
  readonly gatewayUrl: string;
  readonly serverKey: string;
  readonly instanceId: string;
  readonly capacity: number;
}

/** Names of the game servers: so many that placing games is not all about the locks of a few. */
export const FLEET: readonly string[] = Array.from({ length: 12 }, (_, index) => `lab-server-${index}`);

const HEARTBEAT_MS = 2_000;
const START_RETRY_MS = 60_000;
const HEARTBEAT_RETRY_MS = 1_500;
/** A token lives ten minutes. */
const TOKEN_LIFE_MS = 5 * 60_000;

/** A game server that runs no games: it registers, reports what it was told that it runs, and confirms. */
export class FleetServer {
  readonly #options: FleetServerOptions;
  readonly #api: Api;
  /** Games that it runs; `over`: until the platform knows, too. */
  readonly #games = new Map<string, 'running' | 'over'>();
  readonly #stop = new AbortController();
  #token: { readonly value: string; readonly until: number } | undefined;
  #beating: Promise<void> | undefined;

  constructor(options: FleetServerOptions) {
    this.#options = options;
    this.#api = new Api({ baseUrl: options.gatewayUrl });
  }

  get instanceId(): string {
    return this.#options.instanceId;
  }

  /** Resolves when it is in the directory. */
  async start(): Promise<void> {
    const { capacity } = this.#options;
    const options = { token: await this.#tokenFor(START_RETRY_MS), retryForMs: START_RETRY_MS };
    const dto = { address: 'ws://127.0.0.1:9', capacity };
    await this.#api.call(REGISTER_SERVER, dto, { ...options, key: crypto.randomUUID() });
    this.#beating = this.#beat();
  }

  /** Says that the game runs. Heartbeats name it from the first attempt on, whose answer may be lost. */
  confirm(gameId: string, leaseId: string): Call {
    const send = async (): Promise<Verdict> => {
      this.#games.set(gameId, 'running');
      const dto = { game_id: gameId, lease_id: leaseId };
      try {
        const token = await this.#tokenFor(0);
        const value = await this.#api.call(CONFIRM_ASSIGNMENT, dto, {
          token,
          key: `confirm-${leaseId}`,
          retryForMs: 0,
        });
        return { type: 'ok', value: value.state };
      } catch (error) {
        const verdict =
          error instanceof WarrenError ? verdictOfError(error.code, error.retryable) : unknown(String(error));
        if (verdict.type === 'fail' && verdict.refused) this.#games.delete(gameId);
        return verdict;
      }
    };
    return {
      process: this.#options.instanceId,
      op: CONFIRM_ASSIGNMENT.name,
      key: `confirm-${leaseId}`,
      replayable: false,
      send,
    };
  }

  /** The game is over. Heartbeats name it until the platform has released it: a game that nobody names counts as lost. */
  over(gameId: string): void {
    this.#games.set(gameId, 'over');
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const token = await this.#tokenFor(HEARTBEAT_RETRY_MS);
        const dto = { cpu: 0.2, ram: 0.2, games: [...this.#games.keys()] };
        const options = { token, key: crypto.randomUUID(), retryForMs: HEARTBEAT_RETRY_MS, signal };
        this.#forget((await this.#api.call(REPORT_HEARTBEAT, dto, options)).assignments);
      } catch {
        // a missed heartbeat is what a server in trouble looks like; the next one follows
      }
      await sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #forget(assignments: readonly { readonly game_id: string }[]): void {
    const assigned = new Set(assignments.map(({ game_id: id }) => id));
    for (const [id, state] of this.#games) if (state === 'over' && !assigned.has(id)) this.#games.delete(id);
  }

  async #tokenFor(retryForMs: number): Promise<string> {
    if (this.#token !== undefined && performance.now() < this.#token.until) return this.#token.value;
    const { serverKey: server_key, instanceId: instance_id } = this.#options;
    const reply = await this.#api.call(EXCHANGE_SERVER_KEY, { server_key, instance_id }, { retryForMs });
    this.#token = { value: reply.access_token, until: performance.now() + TOKEN_LIFE_MS };
    return this.#token.value;
  }
}
