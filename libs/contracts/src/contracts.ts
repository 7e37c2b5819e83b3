import { ALLOCATOR_CONTRACTS, GAME_ASSIGNED, GAME_RELEASED, LEASE_LOST } from './allocator/allocator_contracts.ts';
import { AUTH_CONTRACTS } from './auth/auth_contracts.ts';
import type { Contract, EventContract } from './contract.ts';
import { COORDINATOR_CONTRACTS, MATCH_ENDED, MATCH_FAILED, MATCH_FOUND } from './coordinator/coordinator_contracts.ts';

/** Every command of the system. The gateway, the documents and the start-up checks read this list. */
export const CONTRACTS: readonly Contract[] = [...AUTH_CONTRACTS, ...ALLOCATOR_CONTRACTS, ...COORDINATOR_CONTRACTS];

/** Every event of the system. */
export const EVENTS: readonly EventContract[] = [
  GAME_ASSIGNED,
  GAME_RELEASED,
  LEASE_LOST,
  MATCH_FOUND,
  MATCH_ENDED,
  MATCH_FAILED,
];

/** The service prefix of a command or event name: `auth` of `auth.register`. */
export const serviceOf = (name: string): string => name.slice(0, name.indexOf('.'));
