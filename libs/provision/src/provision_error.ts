/** Stable codes of everything that can go wrong while finding, installing or running servers. */
export type ProvisionErrorCode =
  | 'PROVISION_ADMIN_NOT_PERMITTED'
  | 'PROVISION_ADMIN_UNREACHABLE'
  | 'PROVISION_ADMIN_FAILED'
  | 'PROVISION_COMMAND_MISSING'
  | 'PROVISION_COMMAND_FAILED'
  | 'PROVISION_SERVER_NOT_INSTALLED'
  | 'PROVISION_SERVER_EXITED'
  | 'PROVISION_SERVER_NOT_READY'
  | 'PROVISION_SERVER_WILL_NOT_STOP'
  | 'PROVISION_DATA_DIR_UNUSABLE'
  | 'PROVISION_DATA_DIR_BUSY'
  | 'PROVISION_NO_FREE_PORT'
  | 'PROVISION_INSTALL_NOT_POSSIBLE'
  | 'PROVISION_INSTALL_FAILED';

/**
 * An error whose message is one sentence for the person at the terminal; `code` is stable. Messages hold no
 * password.
 */
export class ProvisionError extends Error {
  readonly code: ProvisionErrorCode;

  constructor(code: ProvisionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ProvisionError';
    this.code = code;
  }
}
