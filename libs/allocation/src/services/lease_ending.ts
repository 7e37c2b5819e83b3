import type { Outbox } from '@warren/command-center';
import { GAME_RELEASED, LEASE_LOST } from '@warren/contracts';
import type { Tx } from '@warren/postgres';
import type { Counter, Metrics } from '@warren/telemetry';
import type { EndedLease } from '../repositories/lease_repository.ts';
import type { ServerRepository } from '../repositories/server_repository.ts';

/** Reasons of `allocator.lease_lost`. */
type LossReason = 'confirm_timeout' | 'server_lost';

interface LeaseEndingDeps {
  readonly servers: ServerRepository;
  readonly metrics: Metrics;
}

/** What follows from the end of a lease, in the transaction that ended it: the place is free, everybody is told. */
export class LeaseEnding {
  readonly #servers: ServerRepository;
  readonly #ended: Counter;

  constructor(deps: LeaseEndingDeps) {
    this.#servers = deps.servers;
    this.#ended = deps.metrics.counter('warren_allocator_leases_ended_total', 'Leases that ended, by reason.', [
      'reason',
    ]);
  }

  /** The owner of the game asked for it: only the server has to know. */
  async released(tx: Tx, outbox: Outbox, ended: readonly EndedLease[], reason: string): Promise<void> {
    await this.#settle(tx, outbox, ended, reason);
  }

  /** Nobody asked for it: the owner of the game is told as well. */
  async lost(tx: Tx, outbox: Outbox, ended: readonly EndedLease[], reason: LossReason): Promise<void> {
    for (const { gameId, leaseId, instanceId } of ended) {
      outbox.emit(LEASE_LOST, { game_id: gameId, lease_id: leaseId, instance_id: instanceId, reason });
    }
    await this.#settle(tx, outbox, ended, reason);
  }

  async #settle(tx: Tx, outbox: Outbox, ended: readonly EndedLease[], reason: string): Promise<void> {
    const places = new Map<string, number>();
    for (const { gameId, leaseId, instanceId } of ended) {
      places.set(instanceId, (places.get(instanceId) ?? 0) + 1);
      outbox.push(GAME_RELEASED, `server:${instanceId}`, { game_id: gameId, lease_id: leaseId, reason });
      this.#ended.inc({ reason });
    }
    await this.#servers.freePlaces(tx, places);
  }
}
