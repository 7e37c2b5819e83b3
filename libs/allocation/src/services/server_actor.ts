import type { CommandContext } from '@warren/command-center';
import { COMMON_ERRORS } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';

const raise = errorFactory(COMMON_ERRORS);

/**
 * Id of the game server that sent the command. It comes from the verified token, never from the body.
 * @throws AppError ACCESS_FORBIDDEN when the sender is no game server
 */
export function serverOf({ actor }: CommandContext): string {
  if (actor.kind !== 'server') throw raise('ACCESS_FORBIDDEN');
  return actor.id;
}
