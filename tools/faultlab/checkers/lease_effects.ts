import { ASSIGN_GAME, AssignGameReply, RELEASE_GAME } from '@warren/contracts';
import { isAcknowledged, isDenied, type Story } from '../history/stories.ts';
import type { LeaseRow, ServerRow } from '../report/final_state.ts';
import { type Violation, violation } from './violation.ts';

const LIVE = new Set(['reserved', 'confirmed']);

/** The game that a call of the lab is about stands in its key. */
const gameOf = (key: string): string => key.slice(key.indexOf('.') + 1);

/**
 * A game has one lease at a time and a server no more games than places (I11); what was acknowledged is stored (I1), and
 * nothing else is (I3).
 */
export function checkLeases(
  stories: Iterable<Story>,
  leases: readonly LeaseRow[],
  servers: readonly ServerRow[],
): Violation[] {
  const all = [...stories];
  const byGame = Map.groupBy(leases, ({ game_id: game }) => game);
  const assigned = all.filter(({ op }) => op === ASSIGN_GAME.name);
  const asked = new Set(assigned.map(({ key }) => gameOf(key)));
  return [
    ...[...byGame].flatMap(([game, ofGame]) => overlapProblems(game, ofGame)),
    ...servers.flatMap((server) => placeProblems(server, leases)),
    ...assigned.flatMap((story) => checkAssignment(story, byGame.get(gameOf(story.key)) ?? [])),
    ...all.filter(({ op }) => op.startsWith(`${RELEASE_GAME.name}:`)).flatMap((story) => checkRelease(story, byGame)),
    ...[...byGame.keys()]
      .filter((game) => !asked.has(game))
      .map((game) => violation('I3', `game ${game} has a lease and nobody asked for one`)),
  ];
}

function overlapProblems(game: string, leases: readonly LeaseRow[]): Violation[] {
  const sorted = [...leases].sort((a, b) => a.created_ms - b.created_ms);
  return sorted.slice(1).flatMap((lease, index) => {
    const before = sorted[index];
    if (before === undefined || (before.ended_ms !== null && before.ended_ms <= lease.created_ms)) return [];
    return [violation('I11', `game ${game}: lease ${lease.lease_id} begins before ${before.lease_id} has ended`)];
  });
}

function placeProblems({ instance_id: instance, capacity, used }: ServerRow, all: readonly LeaseRow[]): Violation[] {
  const leases = all.filter(({ instance_id: id }) => id === instance);
  const live = leases.filter(({ state }) => LIVE.has(state)).length;
  const problems: Violation[] = [];
  if (live !== used)
    problems.push(violation('I11', `server ${instance} counts ${used} games and has ${live} live leases`));
  const peak = mostAtOnce(leases);
  if (peak > capacity) problems.push(violation('I11', `server ${instance} had ${peak} games in ${capacity} places`));
  return problems;
}

function mostAtOnce(leases: readonly LeaseRow[]): number {
  const steps = leases.flatMap(({ created_ms: from, ended_ms: to }) => [
    { at: from, by: 1 },
    ...(to === null ? [] : [{ at: to, by: -1 }]),
  ]);
  // an end comes before a begin at the same moment: one transaction may do both
  steps.sort((a, b) => a.at - b.at || a.by - b.by);
  let [now, peak] = [0, 0];
  for (const { by } of steps) {
    now += by;
    peak = Math.max(peak, now);
  }
  return peak;
}

function checkAssignment(story: Story, leases: readonly LeaseRow[]): Violation[] {
  if (isDenied(story) && leases.length > 0) return [violation('I5', `${story.key} was denied and made a lease`)];
  return story.values.flatMap((value) => {
    const reply = AssignGameReply.parse(value);
    if (!reply.success || leases.some(({ lease_id: id }) => id === reply.lease_id)) return [];
    return [violation('I1', `${story.key} was answered with lease ${reply.lease_id}, which is not stored`)];
  });
}

/** A release that was acknowledged, or that the broker took, ends in a lease that was released: not in one that ran out. */
function checkRelease(story: Story, byGame: ReadonlyMap<string, readonly LeaseRow[]>): Violation[] {
  if (!isAcknowledged(story)) return [];
  const states = (byGame.get(gameOf(story.key)) ?? []).map(({ state }) => state);
  if (states.includes('released') && !states.some((state) => LIVE.has(state))) return [];
  return [violation('I1', `${story.key} was acknowledged and the game's leases are: ${states.join(', ') || 'none'}`)];
}
