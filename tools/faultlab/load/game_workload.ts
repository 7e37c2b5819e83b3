import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssignGameReply } from '@warren/contracts';
import type { SeededRng } from '@warren/testing';
import type { Caller } from './caller.ts';
import type { CoordinatorClient } from './coordinator_client.ts';
import type { FleetServer } from './fleet_server.ts';
import { drawManner, type Manners, type Workload } from './workload.ts';

export interface GameWorkloadDeps {
  readonly coordinator: CoordinatorClient;
  readonly fleet: readonly FleetServer[];
  readonly caller: Caller;
  readonly rng: SeededRng;
  readonly manners: Manners;
  /** Share of games that nobody confirms: their leases expire. */
  readonly forgotten: number;
}

/** Games under way at most. */
const MAX_GAMES = 400;
const LONGEST_GAME_MS = 800;
/** Share of the games that are released by a durable command; the others by RPC. */
const BY_COMMAND = 0.6;
const PATIENT = { doubled: false, impatient: false } as const;

/** Games that are given a place, confirmed by their server, and released. */
export class GameWorkload implements Workload {
  readonly name = 'games';
  readonly commands = 3;
  readonly #deps: GameWorkloadDeps;
  #running = 0;
  #count = 0;

  constructor(deps: GameWorkloadDeps) {
    this.#deps = deps;
  }

  begin(): boolean {
    if (this.#running >= MAX_GAMES) return false;
    this.#running += 1;
    void this.#play().finally(() => {
      this.#running -= 1;
    });
    return true;
  }

  async #play(): Promise<void> {
    const { coordinator, caller, rng, manners, fleet, forgotten } = this.#deps;
    const number = ++this.#count;
    const gameId = randomUUID();
    const manner = drawManner(rng, manners);
    const [isForgotten, byCommand, lengthMs] = [
      rng.chance(forgotten),
      rng.chance(BY_COMMAND),
      rng.int(0, LONGEST_GAME_MS),
    ];
    const assigned = await caller.run(coordinator.assign(gameId, `assign-${number}.${gameId}`), manner);
    if (assigned.type !== 'ok' || isForgotten) return;
    const lease = AssignGameReply.parse(assigned.value);
    const server = lease.success ? fleet.find(({ instanceId }) => instanceId === lease.instance_id) : undefined;
    if (!lease.success || server === undefined) return;
    const confirmed = await caller.run(server.confirm(gameId, lease.lease_id), PATIENT);
    if (confirmed.type !== 'ok') return;
    await sleep(lengthMs);
    const key = `release-${number}.${gameId}`;
    const release = byCommand ? coordinator.releaseByCommand(gameId, key) : coordinator.releaseByRpc(gameId, key);
    await caller.run(release, PATIENT);
    server.over(gameId);
  }
}
