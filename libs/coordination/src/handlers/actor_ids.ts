import type { ApplyContext } from '@warren/command-center';
import { raise } from '../coordination_errors.ts';

/** Account id of the player who acts. @throws AppError ACCESS_FORBIDDEN for anybody else */
export const playerIdOf = (context: ApplyContext): string => actorId(context, 'player');

/** Instance id of the game server that acts. @throws AppError ACCESS_FORBIDDEN for anybody else */
export const instanceIdOf = (context: ApplyContext): string => actorId(context, 'server');

function actorId(context: ApplyContext, kind: 'player' | 'server'): string {
  const { actor } = context.command;
  if (actor.kind !== kind) throw raise('ACCESS_FORBIDDEN');
  return actor.id;
}
