import { AUTH_ERRORS, COMMON_ERRORS } from '@warren/contracts';
import { AppError, errorFactory, type FieldFault } from '@warren/kernel';

export const raise = errorFactory({ ...COMMON_ERRORS, ...AUTH_ERRORS });

export const fault = (path: string, message: string): readonly FieldFault[] => [{ path, message }];

/** A key in the database that AUTH_KEY_ENCRYPTION_KEY does not open: a fault of the deployment, found at start. */
export const signingKeyUnreadable = (kid: string, cause: unknown): AppError =>
  new AppError(
    'AUTH_SIGNING_KEY_UNREADABLE',
    `AUTH_KEY_ENCRYPTION_KEY does not open the signing key ${kid}: it was stored under another one.`,
    { kind: 'internal', cause },
  );
