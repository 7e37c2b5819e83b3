import { ALLOCATOR_CONTRACTS, GAME_ASSIGNED, GAME_RELEASED, LEASE_LOST } from './allocator/allocator_contracts.ts';
import { ALLOCATOR_ERRORS } from './allocator/allocator_errors.ts';
import { AUTH_CONTRACTS } from './auth/auth_contracts.ts';
import { AUTH_ERRORS } from './auth/auth_errors.ts';
import type { Contract, ContractErrors, EventContract } from './contract.ts';
import { COORDINATOR_CONTRACTS, MATCH_ENDED, MATCH_FAILED, MATCH_FOUND } from './coordinator/coordinator_contracts.ts';
import { COORDINATOR_ERRORS } from './coordinator/coordinator_errors.ts';

/** What one service has in the contracts. */
interface ServiceContracts {
  /** Prefix of the service in rabbitmq_topology.ts. */
  readonly prefix: string;
  /** What it is about, as a heading of the documents. */
  readonly title: string;
  readonly contracts: readonly Contract[];
  readonly events: readonly EventContract[];
  readonly errors: ContractErrors;
}

/** One entry per service. Every other list of contracts, events and errors is derived from this one. */
export const SERVICE_CONTRACTS: readonly ServiceContracts[] = [
  { prefix: 'auth', title: 'Accounts', contracts: AUTH_CONTRACTS, events: [], errors: AUTH_ERRORS },
  {
    prefix: 'allocator',
    title: 'Game servers',
    contracts: ALLOCATOR_CONTRACTS,
    events: [GAME_ASSIGNED, GAME_RELEASED, LEASE_LOST],
    errors: ALLOCATOR_ERRORS,
  },
  {
    prefix: 'coordinator',
    title: 'Tickets and matches',
    contracts: COORDINATOR_CONTRACTS,
    events: [MATCH_FOUND, MATCH_ENDED, MATCH_FAILED],
    errors: COORDINATOR_ERRORS,
  },
];

/** Every command of the system. The gateway, the documents and the start-up checks read this list. */
export const CONTRACTS: readonly Contract[] = SERVICE_CONTRACTS.flatMap(({ contracts }) => contracts);

/** Every event of the system. */
export const EVENTS: readonly EventContract[] = SERVICE_CONTRACTS.flatMap(({ events }) => events);

/** The service prefix of a command or event name: `auth` of `auth.register`. */
export const serviceOf = (name: string): string => name.slice(0, name.indexOf('.'));
