export { type AdminFailure, BrokerAdmin, type ConsumerState, type QueueState } from './admin_operations.ts';
export {
  deleteUsers,
  deleteVhosts,
  exportDefinitions,
  importDefinitions,
  listConsumers,
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
  BrokerPolicyDefinition,
  BrokerQueueDefinition,
  BrokerTopicPermission,
} from './broker_definitions.ts';
export { ExportedDefinitions } from './exported_definitions.ts';
export { installPrograms, installServerPackages } from './install_server_packages.ts';
export { freePort, isPortFree, probePort } from './ports.ts';
export { adoptPrivatePostgres, startPrivatePostgres } from './private_postgres.ts';
export {
  adoptPrivateRabbit,
  type PrivateRabbit,
  type PrivateRabbitOptions,
  startPrivateRabbit,
} from './private_rabbit.ts';
export { adoptPrivateRedis, startPrivateRedis } from './private_redis.ts';
export { destroyPrivateServer, type PrivateServer, type PrivateServerOptions } from './private_server.ts';
export { identifyProcess, isRunning, type ProcessIdentity } from './process_identity.ts';
export { hashRabbitPassword, RABBIT_HASHING_ALGORITHM } from './rabbit_password.ts';
export { type RunOptions, runCommand } from './run_command.ts';
export { newPassword } from './secrets.ts';
export type { ServerKind } from './server_binaries.ts';
export { stopProcess } from './server_process.ts';
