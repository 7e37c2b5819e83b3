import { randomUUID } from 'node:crypto';
import type { AssignGameReply } from '@warren/contracts';
import { AppError } from '@warren/kernel';
import type { Invitation, MatchCallOptions, MatchCalls } from '../src/services/match_calls.ts';

export const INSTANCE = 'server-1';
export const ADDRESS = 'ws://127.0.0.1:7350/';

/** The allocator and auth-svc as matches see them: each answers what the test says, and counts. */
export class Services implements MatchCalls {
  readonly assigned: { readonly gameId: string; readonly messageId: string }[] = [];
  readonly invited: { readonly gameId: string; readonly messageId: string }[] = [];
  readonly leases = new Map<string, string>();
  onAssign: (gameId: string, attempt: number) => Promise<AssignGameReply> = (gameId) =>
    Promise.resolve(this.place(gameId));
  onInvite: (attempt: number) => Promise<void> = () => Promise.resolve();

  /** The same game gets the same lease. */
  place(gameId: string): AssignGameReply {
    const leaseId = this.leases.get(gameId) ?? randomUUID();
    this.leases.set(gameId, leaseId);
    return {
      success: true,
      instance_id: INSTANCE,
      address: ADDRESS,
      lease_id: leaseId,
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    };
  }

  assignGame(dto: Parameters<MatchCalls['assignGame']>[0], options: MatchCallOptions): Promise<AssignGameReply> {
    this.assigned.push({ gameId: dto.game_id, messageId: options.messageId });
    return this.onAssign(dto.game_id, this.assigned.length);
  }

  async issueJoinTickets(
    dto: Parameters<MatchCalls['issueJoinTickets']>[0],
    options: MatchCallOptions,
  ): Promise<Invitation> {
    this.invited.push({ gameId: dto.game_id, messageId: options.messageId });
    await this.onInvite(this.invited.length);
    const tickets = dto.players.map((entry) => ({ ...entry, join_ticket: `join-${entry.player_id}` }));
    return { expires_at: new Date(Date.now() + 60_000).toISOString(), tickets };
  }
}

export const unreachable = (): AppError =>
  new AppError('SERVICE_TIMEOUT', 'No answer in time.', { kind: 'timeout', retryable: true });
