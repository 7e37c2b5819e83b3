import { COORDINATOR_ERRORS } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';

/** Every refusal of this domain. */
export const raise = errorFactory(COORDINATOR_ERRORS);
