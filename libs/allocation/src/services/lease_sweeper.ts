import type { UnitOfWork } from '@warren/command-center';
import { type Clock, type Logger, toAppError } from '@warren/kernel';
import type { Counter, Metrics } from '@warren/telemetry';
import type { AllocationSettings } from '../allocation_settings.ts';
import type { LeaseRepository } from '../repositories/lease_repository.ts';
import type { ServerRepository } from '../repositories/server_repository.ts';
import type { LeaseEnding } from './lease_ending.ts';

/** How often every replica looks. What is due is ended within about this time. */
const TICK_MS = 1_000;
/** Leases or servers per transaction: two outbox rows each stay far below what one transaction may write. */
const BATCH = 100;
/** Transactions of one kind per tick; what remains waits for the next tick, so that no step starves the others. */
const MAX_BATCHES = 20;
/** A pause between two ticks longer than this means that this process, or what it stands on, was not there. */
const LONGEST_GAP_MS = 5_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_BATCH = 1_000;
/** Ended leases and lost servers are kept for questions about the past. */
const RETENTION_DAYS = 30;

interface LeaseSweeperDeps {
  readonly unitOfWork: UnitOfWork;
  readonly servers: ServerRepository;
  readonly leases: LeaseRepository;
  readonly ending: LeaseEnding;
  readonly settings: AllocationSettings;
  /** See ALLOCATION.hearing. */
  readonly hearing: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What one sweep has ended. */
interface SweepResult {
  readonly expired: number;
  readonly lostServers: number;
  readonly lostLeases: number;
}

/**
 * Ends what nobody ends: reservations without a confirm and the games of silent servers. Runs in every replica; each batch
 * is one statement that skips what another replica holds, so that each lease ends once and its event is sent once.
 *
 * Silence is judged only after this process has worked, and could hear, without interruption for as long as a server may be
 * silent: after an outage of the allocators or the broker every server looks silent, and giving all of them up would end
 * every running game.
 */
export class LeaseSweeper {
  readonly name = 'allocation.lease_sweeper';
  readonly #deps: LeaseSweeperDeps;
  readonly #failed: Counter;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #watchingSince: number;
  #lastTickAt: number;
  #prunedAt: number;

  constructor(deps: LeaseSweeperDeps) {
    this.#deps = deps;
    this.#failed = deps.metrics.counter('warren_allocator_sweeps_failed_total', 'Sweeps that ended in an error.');
    const now = deps.clock.monotonicMs();
    this.#watchingSince = now;
    this.#lastTickAt = now;
    this.#prunedAt = now;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#watchingSince = this.#deps.clock.monotonicMs();
    this.#lastTickAt = this.#watchingSince;
    this.#running = this.#run();
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.tick();
      await this.#deps.clock.sleep(TICK_MS, this.#stop.signal);
    }
  }

  /** One look at everything that may be due. Never rejects: what failed is tried again at the next tick. */
  async tick(): Promise<SweepResult> {
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#lastTickAt > LONGEST_GAP_MS || !this.#deps.hearing()) this.#watchingSince = now;
    this.#lastTickAt = now;
    try {
      const result = await this.#sweep(now);
      if (result.expired + result.lostServers + result.lostLeases > 0)
        this.#deps.logger.warn(result, 'leases ended by the sweeper');
      return result;
    } catch (cause) {
      this.#watchingSince = now;
      this.#failed.inc();
      this.#deps.logger.warn({ err: toAppError(cause) }, 'sweep failed; it is tried again');
      return { expired: 0, lostServers: 0, lostLeases: 0 };
    }
  }

  async #sweep(now: number): Promise<SweepResult> {
    const expired = await this.#repeat(() => this.#expire());
    const maySee = now - this.#watchingSince >= this.#deps.settings.serverLostAfterSeconds * 1_000;
    const lostServers = maySee ? await this.#repeat(() => this.#markLost()) : 0;
    const lostLeases = await this.#repeat(() => this.#loseLeases());
    if (now - this.#prunedAt >= PRUNE_EVERY_MS) {
      this.#prunedAt = now;
      await this.#prune();
    }
    return { expired, lostServers, lostLeases };
  }

  /** Repeats full batches, since more may wait. */
  async #repeat(batch: () => Promise<number>): Promise<number> {
    let total = 0;
    for (let round = 0; round < MAX_BATCHES && !this.#stop.signal.aborted; round++) {
      const count = await batch();
      total += count;
      if (count < BATCH) break;
    }
    return total;
  }

  #expire(): Promise<number> {
    return this.#deps.unitOfWork.run(async (tx, outbox) => {
      const ended = await this.#deps.leases.endOverdue(tx, { state: 'expired', reason: 'confirm_timeout' }, BATCH);
      await this.#deps.ending.lost(tx, outbox, ended, 'confirm_timeout');
      return ended.length;
    });
  }

  /** On its own, before the leases: a transaction that held servers and then wanted leases could meet one that does the reverse. */
  #markLost(): Promise<number> {
    return this.#deps.unitOfWork.run(async (tx) => {
      const lost = await this.#deps.servers.markLost(tx, this.#deps.settings.serverLostAfterSeconds, BATCH);
      if (lost.length > 0) this.#deps.logger.warn({ instances: lost }, 'game servers are silent and given up');
      return lost.length;
    });
  }

  #loseLeases(): Promise<number> {
    return this.#deps.unitOfWork.run(async (tx, outbox) => {
      const ended = await this.#deps.leases.endOfLostServers(tx, { state: 'lost', reason: 'server_lost' }, BATCH);
      await this.#deps.ending.lost(tx, outbox, ended, 'server_lost');
      return ended.length;
    });
  }

  async #prune(): Promise<void> {
    const { servers, leases, unitOfWork } = this.#deps;
    await unitOfWork.run((tx) => leases.prune(tx, RETENTION_DAYS, PRUNE_BATCH));
    await unitOfWork.run((tx) => servers.prune(tx, RETENTION_DAYS, PRUNE_BATCH));
  }
}
