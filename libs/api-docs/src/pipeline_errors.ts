import { COMMON_ERRORS, type Contract, type ContractErrors } from '@warren/contracts';

/** Errors of the shared pipeline, which any call may end in. */
const PIPELINE: ContractErrors = {
  REQUEST_INVALID: COMMON_ERRORS.REQUEST_INVALID,
  RATE_LIMITED: COMMON_ERRORS.RATE_LIMITED,
  SERVICE_INTERNAL: COMMON_ERRORS.SERVICE_INTERNAL,
  SERVICE_OVERLOADED: COMMON_ERRORS.SERVICE_OVERLOADED,
  SERVICE_UNAVAILABLE: COMMON_ERRORS.SERVICE_UNAVAILABLE,
  SERVICE_LINK_LOST: COMMON_ERRORS.SERVICE_LINK_LOST,
  SERVICE_TIMEOUT: COMMON_ERRORS.SERVICE_TIMEOUT,
};
const OF_HTTP: ContractErrors = {
  REQUEST_TOO_LARGE: COMMON_ERRORS.REQUEST_TOO_LARGE,
  REQUEST_MEDIA_UNSUPPORTED: COMMON_ERRORS.REQUEST_MEDIA_UNSUPPORTED,
};
const ACCESS: ContractErrors = {
  ACCESS_UNAUTHENTICATED: COMMON_ERRORS.ACCESS_UNAUTHENTICATED,
  ACCESS_FORBIDDEN: COMMON_ERRORS.ACCESS_FORBIDDEN,
};
const KEY: ContractErrors = {
  IDEMPOTENCY_KEY_MISSING: COMMON_ERRORS.IDEMPOTENCY_KEY_MISSING,
  IDEMPOTENCY_KEY_REUSED: COMMON_ERRORS.IDEMPOTENCY_KEY_REUSED,
  REQUEST_IN_PROGRESS: COMMON_ERRORS.REQUEST_IN_PROGRESS,
};
/** What a service itself answers, before or after its handler. */
const OF_SERVICE: ContractErrors = {
  REQUEST_INVALID: COMMON_ERRORS.REQUEST_INVALID,
  REQUEST_TOO_LARGE: COMMON_ERRORS.REQUEST_TOO_LARGE,
  REQUEST_MEDIA_UNSUPPORTED: COMMON_ERRORS.REQUEST_MEDIA_UNSUPPORTED,
  COMMAND_UNKNOWN: COMMON_ERRORS.COMMAND_UNKNOWN,
  ACCESS_FORBIDDEN: COMMON_ERRORS.ACCESS_FORBIDDEN,
  SERVICE_INTERNAL: COMMON_ERRORS.SERVICE_INTERNAL,
  SERVICE_OVERLOADED: COMMON_ERRORS.SERVICE_OVERLOADED,
  SERVICE_UNAVAILABLE: COMMON_ERRORS.SERVICE_UNAVAILABLE,
  SERVICE_TIMEOUT: COMMON_ERRORS.SERVICE_TIMEOUT,
};
const OF_INBOX: ContractErrors = {
  IDEMPOTENCY_KEY_REUSED: COMMON_ERRORS.IDEMPOTENCY_KEY_REUSED,
  REQUEST_IN_PROGRESS: COMMON_ERRORS.REQUEST_IN_PROGRESS,
};

/** Whether a client must send a key with this command. */
export const needsKey = (contract: Contract): boolean => contract.idempotency === 'inbox';

const isOpen = ({ access }: Contract): boolean => access.kind === 'anonymous';

/** Every code that a call over HTTP may end in. */
export const errorsOverHttp = (contract: Contract): ContractErrors => ({
  ...PIPELINE,
  ...OF_HTTP,
  ...(isOpen(contract) ? {} : ACCESS),
  ...(needsKey(contract) ? KEY : {}),
  ...contract.errors,
});

/** Every code that a request frame may end in: the socket is authenticated already, and a frame too large closes it. */
export const errorsOverSocket = (contract: Contract): ContractErrors => ({
  ...PIPELINE,
  ACCESS_FORBIDDEN: COMMON_ERRORS.ACCESS_FORBIDDEN,
  ...(needsKey(contract) ? KEY : {}),
  ...contract.errors,
});

/** Every code that a reply of a service over the broker may carry. */
export const errorsOverBroker = (contract: Contract): ContractErrors => ({
  ...OF_SERVICE,
  ...(needsKey(contract) ? OF_INBOX : {}),
  ...contract.errors,
});
