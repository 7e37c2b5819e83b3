import { PollLoop } from '@warren/command-center';
import { type Clock, type Logger, newId, type Rng, toAppError } from '@warren/kernel';
import type { Database, Tx } from '@warren/postgres';
import type { Counter, Metrics } from '@warren/telemetry';
import type { CoordinationSettings } from '../coordination_settings.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import type { Mode, ModeRepository } from '../repositories/mode_repository.ts';
import type { TicketRepository, WaitingTicket } from '../repositories/ticket_repository.ts';
import { inMatchTrace } from './match_trace.ts';

export interface MatcherDeps {
  readonly database: Database;
  readonly modes: ModeRepository;
  readonly tickets: TicketRepository;
  readonly matches: MatchRepository;
  readonly settings: CoordinationSettings;
  /** Called after a commit that made matches. */
  readonly onMatches: () => void;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface MadeMatch {
  readonly gameId: string;
  readonly mode: string;
  readonly trace: string;
}

/** Bounds how long one transaction holds a mode. */
const MATCHES_PER_ROUND = 50;
/** Another replica holds the mode and may have looked before our tickets were committed. */
const CONTENDED_MS = 20;
const SEEDS = 2 ** 32;
const MS = 1_000;

/** Pairs the oldest waiting tickets of each mode. Runs in every replica; the row lock on the mode decides who pairs. */
export class Matcher {
  readonly name = 'matcher';
  readonly #deps: MatcherDeps;
  readonly #loop: PollLoop;
  readonly #made: Counter;

  constructor(deps: MatcherDeps) {
    this.#deps = deps;
    this.#loop = new PollLoop({ ...deps, name: this.name, pollMs: deps.settings.pollMs }, () => this.#round());
    this.#made = deps.metrics.counter(
      'warren_coordinator_matches_made_total',
      'Matches that were made of waiting tickets.',
      ['mode'],
    );
  }

  start(): void {
    this.#loop.start();
  }

  /** A ticket was committed: look now. */
  wake(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { modes, database, clock } = this.#deps;
    for (const mode of await modes.namesToMatch(database.read)) {
      const made = await this.#tryMode(mode);
      if (made === 'contended') await clock.sleep(CONTENDED_MS, this.#loop.stopping);
      if (made === 'contended' || made === MATCHES_PER_ROUND) this.wake();
    }
  }

  /** A mode that cannot be read must not keep the players of the others waiting. */
  async #tryMode(mode: string): Promise<number | 'contended'> {
    try {
      return await this.matchMode(mode);
    } catch (cause) {
      const error = toAppError(cause);
      // what passes concerns all of them
      if (error.retryable) throw error;
      this.#deps.logger.error({ err: error, mode }, 'no matches can be made of this mode');
      return 0;
    }
  }

  /** Makes matches of the oldest tickets of one mode. @returns how many, or `contended` when another replica is at it */
  async matchMode(name: string): Promise<number | 'contended'> {
    const made = await this.#deps.database.transaction((tx) => this.#matchLocked(tx, name));
    if (made === undefined) return 'contended';
    for (const match of made) this.#report(match);
    if (made.length > 0) this.#deps.onMatches();
    return made.length;
  }

  async #matchLocked(tx: Tx, name: string): Promise<readonly MadeMatch[] | undefined> {
    const { modes, tickets } = this.#deps;
    const mode = await modes.lock(tx, name);
    if (mode === undefined) return undefined;
    const waiting = await tickets.lockOldest(tx, name, mode.players * MATCHES_PER_ROUND);
    const made: MadeMatch[] = [];
    for (let first = 0; first + mode.players <= waiting.length; first += mode.players) {
      made.push(await this.#make(tx, mode, waiting.slice(first, first + mode.players)));
    }
    return made;
  }

  async #make(tx: Tx, mode: Mode, group: readonly WaitingTicket[]): Promise<MadeMatch> {
    const { matches, tickets, settings, rng } = this.#deps;
    const gameId = newId();
    // the last ticket completed the match: its request is where the match's trace begins
    const trace = group.at(-1)?.trace ?? '';
    await matches.create(tx, {
      gameId,
      mode: mode.name,
      seed: Math.floor(rng.next() * SEEDS),
      rules: this.#rulesOf(mode),
      trace,
      limitMs: settings.noServerTimeoutMs,
      players: group.map(({ id, playerId }) => ({ playerId, ticketId: id })),
    });
    await tickets.markMatched(
      tx,
      group.map(({ id }) => id),
      gameId,
    );
    return { gameId, mode: mode.name, trace };
  }

  #rulesOf(mode: Mode): Parameters<MatchRepository['create']>[1]['rules'] {
    const { joinTimeoutMs, resultTimeoutMs } = this.#deps.settings;
    return {
      resource_level: mode.settings.resource_level,
      join_timeout_ms: mode.join_timeout_s === null ? joinTimeoutMs : mode.join_timeout_s * MS,
      result_timeout_ms: mode.result_timeout_s === null ? resultTimeoutMs : mode.result_timeout_s * MS,
    };
  }

  #report({ gameId, mode, trace }: MadeMatch): void {
    this.#made.inc({ mode });
    inMatchTrace({ trace }, () => this.#deps.logger.info({ gameId, mode }, 'match made'), this.name);
  }
}
