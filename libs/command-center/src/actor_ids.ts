import { COMMON_ERRORS } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';
import type { CommandContext } from './command_context.ts';

const raise = errorFactory(COMMON_ERRORS);

/**
 * Account id of the player who acts. It comes from the verified token, never from the body.
 * @throws AppError ACCESS_FORBIDDEN for anybody else
 */
export const playerIdOf = (context: CommandContext): string => actorId(context, 'player');

/**
 * Instance id of the game server that acts. It comes from the verified token, never from the body.
 * @throws AppError ACCESS_FORBIDDEN for anybody else
 */
export const serverIdOf = (context: CommandContext): string => actorId(context, 'server');

function actorId({ actor }: CommandContext, kind: 'player' | 'server'): string {
  if (actor.kind !== kind) throw raise('ACCESS_FORBIDDEN');
  return actor.id;
}
