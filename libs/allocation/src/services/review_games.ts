import type { ServerLease } from '../repositories/lease_repository.ts';

/** What a heartbeat says about the leases of its server. */
interface GamesReview {
  /** Confirmed leases whose game is absent now for the first time. */
  readonly missing: readonly string[];
  /** Confirmed leases whose game was absent and is back. */
  readonly back: readonly string[];
  /** Confirmed leases whose game is absent for too long: it no longer runs. */
  readonly gone: readonly string[];
  /** What the server has to run. */
  readonly assignments: readonly ServerLease[];
}

/** One transaction writes two messages per ended lease and may write 1,000; the rest waits for the next heartbeat. */
const MAX_GONE = 400;

/**
 * Compares the games that a server runs with the leases that it holds. A game that ended normally is absent for a moment
 * before its release arrives, therefore the first absence only starts a clock. Reservations are not looked at: they
 * end by confirm or expiry.
 */
export function reviewGames(leases: readonly ServerLease[], games: readonly string[]): GamesReview {
  const running = new Set(games);
  const confirmed = leases.filter((lease) => lease.state === 'confirmed');
  const absent = confirmed.filter((lease) => !running.has(lease.gameId));
  const gone = absent.filter((lease) => lease.missingTooLong).slice(0, MAX_GONE);
  const ended = new Set(gone);
  return {
    missing: idsOf(absent.filter((lease) => !lease.missing)),
    back: idsOf(confirmed.filter((lease) => lease.missing && running.has(lease.gameId))),
    gone: idsOf(gone),
    assignments: leases.filter((lease) => !lease.overdue && !ended.has(lease)),
  };
}

function idsOf(leases: readonly ServerLease[]): string[] {
  return leases.map((lease) => lease.leaseId);
}
