import type { Rng } from '@warren/kernel';

/** What a server's last heartbeat said. */
export interface LoadSample {
  /** Share of the CPU in use, 0 … 1. */
  readonly cpu: number;
  /** Share of the memory in use, 0 … 1. */
  readonly ram: number;
  /** Games that ran when the sample was taken. */
  readonly games: number;
  readonly ageMs: number;
}

/** A registered, ready server as the directory knows it. */
export interface Candidate {
  readonly instanceId: string;
  readonly capacity: number;
  /** Places taken now, by the truth of Postgres. */
  readonly used: number;
  readonly sample?: LoadSample;
}

export interface PickRequest {
  /** low: the least CPU load. high: the least memory in use. */
  readonly resourceLevel: 'low' | 'high';
  /** Samples older than this, milliseconds, count as none. */
  readonly freshWithinMs: number;
}

/** Why a server was or was not chosen. `load` is what was compared: measured share plus reservations since. */
interface PickReason {
  readonly instanceId: string;
  readonly verdict: 'chosen' | 'more_loaded' | 'not_drawn' | 'not_fresh' | 'full';
  readonly load?: number;
}

interface Pick {
  /** Instance id, or null when no server has a place. */
  readonly choice: string | null;
  readonly reasons: readonly PickReason[];
}

interface Scored {
  readonly candidate: Candidate;
  readonly load: number;
}

/**
 * Chooses a server: two are drawn among those with fresh metrics and a free place, and the less loaded one wins, so that
 * a burst does not herd onto the one that looked best a moment ago. When no metrics are fresh at all (Redis was emptied),
 * every server counts, by its share of taken places. No I/O; the order of the candidates does not matter.
 */
export function pickServer(candidates: readonly Candidate[], request: PickRequest, rng: Rng): Pick {
  const sorted = [...candidates].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  const open = sorted.filter((candidate) => candidate.used < candidate.capacity);
  const seeing = sorted.some((candidate) => isFresh(candidate, request));
  const eligible = seeing ? open.filter((candidate) => isFresh(candidate, request)) : open;
  const drawn = drawTwo(eligible, rng).map((candidate) => ({ candidate, load: loadOf(candidate, request) }));
  const best = drawn.reduce<Scored | undefined>(
    (winner, next) => (winner === undefined || isBetter(next, winner) ? next : winner),
    undefined,
  );
  const reasons = sorted.map((candidate) => explain(candidate, { open, eligible, drawn, best }));
  return { choice: best?.candidate.instanceId ?? null, reasons };
}

/**
 * The server's estimated load. The sample does not know the games that were placed since it was taken or have not started
 * yet; each of them is taken for one place's share of the machine.
 */
export function loadOf(candidate: Candidate, request: PickRequest): number {
  const { sample, used, capacity } = candidate;
  if (sample === undefined || !isFresh(candidate, request)) return used / capacity;
  const measured = request.resourceLevel === 'low' ? sample.cpu : sample.ram;
  const unseen = Math.max(0, used - sample.games);
  return measured + unseen / capacity;
}

function isFresh({ sample }: Candidate, request: PickRequest): boolean {
  return sample !== undefined && sample.ageMs <= request.freshWithinMs;
}

function drawTwo(eligible: readonly Candidate[], rng: Rng): Candidate[] {
  if (eligible.length <= 2) return [...eligible];
  const first = Math.floor(rng.next() * eligible.length);
  // drawn from one fewer and stepped over the first, so that the two differ
  const second = Math.floor(rng.next() * (eligible.length - 1));
  return [eligible[first], eligible[second >= first ? second + 1 : second]].filter((found) => found !== undefined);
}

/** Equal loads are decided by the share of taken places; then the first drawn stays. */
function isBetter(next: Scored, winner: Scored): boolean {
  if (next.load !== winner.load) return next.load < winner.load;
  return next.candidate.used / next.candidate.capacity < winner.candidate.used / winner.candidate.capacity;
}

interface Groups {
  readonly open: readonly Candidate[];
  readonly eligible: readonly Candidate[];
  readonly drawn: readonly Scored[];
  readonly best: Scored | undefined;
}

function explain(candidate: Candidate, groups: Groups): PickReason {
  const { instanceId } = candidate;
  const scored = groups.drawn.find((entry) => entry.candidate === candidate);
  if (scored !== undefined)
    return { instanceId, verdict: scored === groups.best ? 'chosen' : 'more_loaded', load: scored.load };
  if (!groups.open.includes(candidate)) return { instanceId, verdict: 'full' };
  return { instanceId, verdict: groups.eligible.includes(candidate) ? 'not_drawn' : 'not_fresh' };
}
