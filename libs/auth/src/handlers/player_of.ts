import type { CommandContext } from '@warren/command-center';
import { raise } from '../auth_errors.ts';

/** The player who sent a command, as the gateway verified it. @throws AppError ACCESS_UNAUTHENTICATED */
export function playerOf({ actor }: CommandContext): { readonly accountId: string; readonly sessionId: string } {
  if (actor.kind !== 'player' || actor.sessionId === undefined) throw raise('ACCESS_UNAUTHENTICATED');
  return { accountId: actor.id, sessionId: actor.sessionId };
}
