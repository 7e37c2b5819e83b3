import type {
  AdminFailure,
  AdminOperations,
  AdminResult,
  BrokerAdmin,
  ConsumerState,
  QueueState,
} from './admin_operations.ts';
import { ctlAdmin } from './broker_admin_ctl.ts';
import { httpAdmin } from './broker_admin_http.ts';
import type { BrokerDefinitions } from './broker_definitions.ts';
import type { ExportedDefinitions } from './exported_definitions.ts';
import { ProvisionError, type ProvisionErrorCode } from './provision_error.ts';

function operations(admin: BrokerAdmin): AdminOperations {
  return admin.kind === 'rabbitmqctl' ? ctlAdmin(admin) : httpAdmin(admin);
}

/**
 * Creates or overwrites everything in `definitions`, all of it in one call. Passwords travel by a pipe or a request
 * body, never by arguments.
 */
export function importDefinitions(admin: BrokerAdmin, definitions: BrokerDefinitions): Promise<AdminResult<void>> {
  return operations(admin).importDefinitions(definitions);
}

/** Everything on the broker but its messages, by one call. */
export function exportDefinitions(admin: BrokerAdmin): Promise<AdminResult<ExportedDefinitions>> {
  return operations(admin).exportDefinitions();
}

/** Deletes the vhosts with all they hold; names that do not exist are fine. */
export function deleteVhosts(admin: BrokerAdmin, names: readonly string[]): Promise<AdminResult<void>> {
  return operations(admin).deleteVhosts(names);
}

/** Deletes the users; names that do not exist are fine. */
export function deleteUsers(admin: BrokerAdmin, names: readonly string[]): Promise<AdminResult<void>> {
  return operations(admin).deleteUsers(names);
}

export function listVhosts(admin: BrokerAdmin): Promise<AdminResult<string[]>> {
  return operations(admin).listVhosts();
}

export function listUsers(admin: BrokerAdmin): Promise<AdminResult<string[]>> {
  return operations(admin).listUsers();
}

/** Every queue of the vhost. By the management API `messages` and `consumers` may be five seconds old. */
export function listQueues(admin: BrokerAdmin, vhost: string): Promise<AdminResult<QueueState[]>> {
  return operations(admin).listQueues(vhost);
}

/** Every consumer of the vhost, with the prefetch that the broker keeps to. */
export function listConsumers(admin: BrokerAdmin, vhost: string): Promise<AdminResult<ConsumerState[]>> {
  return operations(admin).listConsumers(vhost);
}

const CODE_OF_FAILURE: Record<AdminFailure, ProvisionErrorCode> = {
  not_permitted: 'PROVISION_ADMIN_NOT_PERMITTED',
  missing: 'PROVISION_COMMAND_MISSING',
  unreachable: 'PROVISION_ADMIN_UNREACHABLE',
  failed: 'PROVISION_ADMIN_FAILED',
};

/** The value of a result, or a `ProvisionError` for callers to whom every failure is fatal. */
export function unwrapAdminResult<T>(result: AdminResult<T>): T {
  if (result.ok) return result.value;
  throw new ProvisionError(CODE_OF_FAILURE[result.reason], result.message);
}
