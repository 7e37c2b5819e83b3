import { PollLoop } from '@warren/command-center';
import { type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import type { Counter, Metrics } from '@warren/telemetry';
import type { CoordinationSettings } from '../coordination_settings.ts';
import type { Match } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import type { MatchStep } from './match_step.ts';
import { inMatchTrace } from './match_trace.ts';

export interface MatchSagaDeps {
  readonly database: Database;
  readonly matches: MatchRepository;
  readonly step: MatchStep;
  readonly settings: CoordinationSettings;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Steps that one replica has under way: a call that hangs holds up one of them, not the others. */
const PARALLEL_STEPS = 16;
/** A claim outlives the call of its step, so that the step of a living process is not begun twice. */
const CLAIM_FACTOR = 2;

/**
 * Moves matches on, step by step. Runs in every replica: whoever claims a due match performs its next step, so a match
 * whose coordinator died between two steps is taken up by any other.
 */
export class MatchSaga {
  readonly name = 'match saga';
  readonly #deps: MatchSagaDeps;
  readonly #loop: PollLoop;
  readonly #steps: Counter;
  readonly #running = new Set<Promise<void>>();

  constructor(deps: MatchSagaDeps) {
    this.#deps = deps;
    this.#loop = new PollLoop({ ...deps, name: this.name, pollMs: deps.settings.pollMs }, () => this.#round());
    this.#steps = deps.metrics.counter(
      'warren_coordinator_steps_total',
      'Steps of matches by state and what they led to.',
      ['state', 'decision'],
    );
  }

  start(): void {
    this.#loop.start();
  }

  /** Matches were made: begin now. */
  wake(): void {
    this.#loop.wake();
  }

  /** Claims nothing more and gives up the calls under way; their matches come due again at once. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#running);
  }

  async #round(): Promise<void> {
    const { database, matches, settings, logger } = this.#deps;
    const free = PARALLEL_STEPS - this.#running.size;
    if (free === 0) return;
    const claim = { limit: free, claimMs: CLAIM_FACTOR * settings.stepTimeoutMs };
    const onUnreadable = (gameId: string, cause: unknown): void =>
      logger.error({ err: toAppError(cause), gameId }, 'a match cannot be read; it comes due again');
    for (const match of await matches.claimDue(database.read, claim, onUnreadable)) {
      const running = this.#step(match).finally(() => {
        this.#running.delete(running);
        this.wake();
      });
      this.#running.add(running);
    }
  }

  /** Never rejects: a step that failed comes due again when its claim is over. */
  #step(match: Match): Promise<void> {
    return inMatchTrace(
      match,
      async () => {
        try {
          const decision = await this.#deps.step.run(match, this.#loop.stopping);
          this.#steps.inc({ state: match.state, decision });
        } catch (cause) {
          this.#steps.inc({ state: match.state, decision: 'broken' });
          this.#deps.logger.error(
            { err: toAppError(cause), gameId: match.gameId, state: match.state },
            'a step could not be committed',
          );
        }
      },
      'coordinator.match_saga',
    );
  }
}
