import { COMMON_ERRORS, COORDINATOR_ERRORS } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';

const { ACCESS_FORBIDDEN } = COMMON_ERRORS;

/** Every refusal of this domain. */
export const raise = errorFactory({ ...COORDINATOR_ERRORS, ACCESS_FORBIDDEN });
