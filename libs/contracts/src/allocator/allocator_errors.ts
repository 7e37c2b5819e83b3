import type { ContractErrors } from '../contract.ts';

export const ALLOCATOR_ERRORS = {
  ALLOCATOR_SERVER_UNKNOWN: {
    kind: 'not_found',
    message: 'This server is not registered. Register it again.',
    retryable: false,
  },
  ALLOCATOR_LEASE_UNKNOWN: { kind: 'not_found', message: 'There is no such lease for this server.', retryable: false },
  ALLOCATOR_LEASE_ENDED: { kind: 'gone', message: 'This lease has ended.', retryable: false },
  ALLOCATOR_ADDRESS_REFUSED: {
    kind: 'invalid',
    message: 'The address is not one that players may be sent to.',
    retryable: false,
  },
} as const satisfies ContractErrors;
