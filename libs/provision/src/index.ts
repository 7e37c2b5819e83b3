export { BrokerAdmin, type AdminFailure, type AdminResult, type QueueState } from './admin_operations.ts';
export {
  deleteUsers,
  deleteVhosts,
  importDefinitions,
  listQueues,
  listUsers,
  listVhosts,
  unwrapAdminResult,
} from './broker_admin.ts';
export { evalErlang } from './broker_admin_ctl.ts';
export type {
  BrokerBindingDefinition,
  BrokerDefinitions,
  BrokerExchangeDefinition,
  BrokerPermission,
  BrokerQueueDefinition,
  BrokerTopicPermission,
  BrokerUserDefinition,
} from './broker_definitions.ts';
export { identifyProcess, isRunning, type ProcessIdentity } from './process_identity.ts';
export { ProvisionError, type ProvisionErrorCode } from './provision_error.ts';
export { hashRabbitPassword, RABBIT_HASHING_ALGORITHM } from './rabbit_password.ts';
