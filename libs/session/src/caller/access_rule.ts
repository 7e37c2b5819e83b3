import type { Contract } from '@warren/contracts';
import { commonError } from '@warren/http';
import type { Caller } from './principal.ts';

/**
 * Lets a caller pass that the contract names, and nobody else.
 * @throws AppError COMMAND_UNKNOWN for what is not public, ACCESS_UNAUTHENTICATED, ACCESS_FORBIDDEN
 */
export function checkAccess(contract: Contract, caller: Caller): void {
  const { access } = contract;
  // to the outside an internal command does not exist
  if (contract.exposure !== 'public' || access.kind === 'service') throw commonError('COMMAND_UNKNOWN');
  if (access.kind === 'anonymous') return;
  if (caller.kind === 'anonymous') throw commonError('ACCESS_UNAUTHENTICATED');
  if (access.kind === 'server' && caller.kind === 'server') return;
  if (access.kind === 'player' && caller.kind === 'player' && hasRole(access.roles, caller.roles)) return;
  throw commonError('ACCESS_FORBIDDEN');
}

function hasRole(wanted: readonly string[] | undefined, held: readonly string[]): boolean {
  return wanted === undefined || wanted.some((role) => held.includes(role));
}
