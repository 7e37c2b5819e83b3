import type { Outbox, UnitOfWork } from '@warren/command-center';
import { MATCH_FOUND, RELEASE_GAME } from '@warren/contracts';
import { backoffMs, type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';
import type { Tx } from '@warren/postgres';
import type { CoordinationSettings } from '../coordination_settings.ts';
import type { Match } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import type { Invitation, MatchCallOptions, MatchCalls } from './match_calls.ts';
import type { MatchEnding } from './match_ending.ts';
import { nextStep, type StepDecision, type StepOutcome } from './next_step.ts';

export interface MatchStepDeps {
  readonly unitOfWork: UnitOfWork;
  readonly matches: MatchRepository;
  readonly ending: MatchEnding;
  readonly calls: MatchCalls;
  readonly settings: CoordinationSettings;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

type Decision<Kind extends StepDecision['kind']> = Extract<StepDecision, { kind: Kind }>;

const RETRY = { baseMs: 200, maxMs: 2_000 };

/**
 * Performs one step of one claimed match: at most one call, outside of any transaction, then one commit that holds only
 * while the match is still in the step that was claimed. A process that dies in between leaves the row as it was.
 */
export class MatchStep {
  readonly #deps: MatchStepDeps;

  constructor(deps: MatchStepDeps) {
    this.#deps = deps;
  }

  /** @returns what was decided, for the metrics */
  async run(match: Match, signal: AbortSignal): Promise<StepDecision['kind']> {
    const { clock } = this.#deps;
    const startedAt = clock.monotonicMs();
    const nowMs = (): number => match.readAt.getTime() + clock.monotonicMs() - startedAt;
    let decision = nextStep(match, nowMs());
    if (decision.kind === 'call') {
      const outcome = await this.#call(decision, match, signal);
      decision = nextStep(match, nowMs(), outcome);
    }
    await this.#commit(match, decision);
    return decision.kind;
  }

  async #call({ call }: Decision<'call'>, match: Match, signal: AbortSignal): Promise<StepOutcome> {
    const options: MatchCallOptions = {
      messageId: match.stepKey,
      deadlineMs: this.#deps.settings.stepTimeoutMs,
      signal,
    };
    try {
      return call === 'assign_game' ? await this.#assign(match, options) : await this.#invite(match, options);
    } catch (cause) {
      const { gameId, stepAttempts: attempt } = match;
      this.#deps.logger.warn({ err: toAppError(cause), gameId, attempt }, `no answer to ${call}`);
      return { kind: 'unanswered' };
    }
  }

  async #assign(match: Match, options: MatchCallOptions): Promise<StepOutcome> {
    const { gameId, mode, seed, rules } = match;
    const spec = {
      mode,
      players: match.players.map(({ player_id, slot }) => ({ player_id, slot })),
      seed,
      traceparent: match.trace,
    };
    const reply = await this.#deps.calls.assignGame(
      { game_id: gameId, settings: { resource_level: rules.resource_level }, match: spec },
      options,
    );
    if (reply.success) {
      return {
        kind: 'assigned',
        server: { instanceId: reply.instance_id, address: reply.address, leaseId: reply.lease_id },
      };
    }
    this.#deps.logger.info({ gameId, code: reply.code, attempt: match.stepAttempts }, 'no game server yet');
    return { kind: 'no_server', retryable: reply.retryable };
  }

  async #invite(match: Match, options: MatchCallOptions): Promise<StepOutcome> {
    const players = match.players.map(({ player_id, slot }) => ({ player_id, slot }));
    const instanceId = match.server?.instanceId ?? '';
    const invitation = await this.#deps.calls.issueJoinTickets(
      { game_id: match.gameId, instance_id: instanceId, players },
      options,
    );
    const invited = new Set(invitation.tickets.map(({ player_id }) => player_id));
    const complete = players.every(({ player_id }) => invited.has(player_id));
    return complete ? { kind: 'invited', invitation } : { kind: 'unanswered' };
  }

  #commit(match: Match, decision: StepDecision): Promise<void> {
    return this.#deps.unitOfWork.run((tx, outbox) => this.#apply(tx, outbox, match, decision));
  }

  async #apply(tx: Tx, outbox: Outbox, match: Match, decision: StepDecision): Promise<void> {
    const { matches } = this.#deps;
    switch (decision.kind) {
      case 'invite':
        return this.#toInviting(tx, outbox, match, decision);
      case 'announce':
        return this.#announce(tx, outbox, match, decision);
      case 'retry':
        return matches.retryStep(tx, match, backoffMs(match.stepAttempts, RETRY, this.#deps.rng));
      case 'wait':
        return matches.waitForDeadline(tx, match);
      case 'fail':
        return this.#fail(tx, outbox, match, decision);
      case 'call':
      case 'nothing':
        return;
      default:
        return decision satisfies never;
    }
  }

  async #toInviting(tx: Tx, outbox: Outbox, match: Match, { server }: Decision<'invite'>): Promise<void> {
    const { matches, settings, logger } = this.#deps;
    const { gameId } = match;
    if (await matches.toInviting(tx, match, server, settings.inviteTimeoutMs)) {
      logger.info({ gameId, instance: server.instanceId }, 'game server assigned');
      return;
    }
    // the match failed while the allocator answered: nobody else knows of this lease
    const current = await matches.lock(tx, gameId);
    if (current?.state === 'failed') outbox.send(RELEASE_GAME, { game_id: gameId, reason: 'failed' });
  }

  async #announce(tx: Tx, outbox: Outbox, match: Match, { server, invitation }: Decision<'announce'>): Promise<void> {
    const { matches, logger } = this.#deps;
    const { gameId } = match;
    const announced = await matches.toWaiting(tx, match, {
      from: 'inviting',
      to: 'joining',
      limitMs: match.rules.join_timeout_ms,
    });
    if (!announced) return;
    for (const found of foundPayloads(match, server.address, invitation))
      outbox.push(MATCH_FOUND, `player:${found.playerId}`, found.payload);
    logger.info({ gameId, instance: server.instanceId }, 'match found');
  }

  async #fail(tx: Tx, outbox: Outbox, match: Match, { failure }: Decision<'fail'>): Promise<void> {
    const { matches, ending } = this.#deps;
    const current = await matches.lock(tx, match.gameId, match);
    if (current !== undefined) await ending.fail(tx, outbox, current, failure);
  }
}

function foundPayloads(match: Match, address: string, invitation: Invitation) {
  const { gameId: game_id, mode } = match;
  const players = match.players.map(({ player_id, slot }) => ({ player_id, slot }));
  const tickets = new Map(invitation.tickets.map(({ player_id, join_ticket }) => [player_id, join_ticket]));
  return players.map(({ player_id, slot }) => ({
    playerId: player_id,
    payload: {
      game_id,
      mode,
      address,
      slot,
      join_ticket: tickets.get(player_id) ?? '',
      expires_at: invitation.expires_at,
      players,
    },
  }));
}
