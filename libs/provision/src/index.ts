export { type AdminFailure, type AdminResult, BrokerAdmin, type QueueState } from './admin_operations.ts';
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
export { type InstallSystem, installServerPackages } from './install_server_packages.ts';
export { freePort, isPortFree, probePort, waitForPort } from './ports.ts';
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
export { ProvisionError, type ProvisionErrorCode } from './provision_error.ts';
export { hashRabbitPassword, RABBIT_HASHING_ALGORITHM } from './rabbit_password.ts';
export { type RunOptions, type RunResult, runCommand } from './run_command.ts';
export { newPassword } from './secrets.ts';
export { findServer, type ServerKind } from './server_binaries.ts';
export {
  logTail,
  type StartSpec,
  type StopOptions,
  signalProcess,
  startServerProcess,
  stopProcess,
  waitForExit,
} from './server_process.ts';
