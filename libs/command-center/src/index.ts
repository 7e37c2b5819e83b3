export { playerIdOf, serverIdOf } from './actor_ids.ts';
export { CommandContext } from './command_context.ts';
export type { ApplyContext, CommandHandler, EventHandler, HandlerFor, Outbox } from './command_handler.ts';
export { CommandOrchestrator, type CommandOrchestratorDeps } from './command_orchestrator.ts';
export { InboxJanitor } from './inbox/inbox_janitor.ts';
export {
  BaseMicroserviceListener,
  type ListenerDeps,
} from './listener/base_microservice_listener.ts';
export { type ListenerPlan, type ListenerResources, listenerDeps, planListeners } from './listener/listener_plan.ts';
export type { ValidatedCommand } from './listener/validated_command.ts';
export { releaseKeys } from './ordering/blocked_keys.ts';
export { PARTITION_LEASE_MS, PartitionShare, type PartitionWork } from './ordering/partition_share.ts';
export type { PartitionStore } from './ordering/partition_store.ts';
export { commandCenterMigrations } from './outbox/command_center_tables.ts';
export { OutboxRelay } from './outbox/outbox_relay.ts';
export { UnitOfWork } from './outbox/unit_of_work.ts';
export { PollLoop } from './poll_loop.ts';
export { type CommandBinding, command, event } from './registry/bindings.ts';
export { checkRegistry, defineRegistry, type ServiceRegistry } from './registry/service_registry.ts';
export { RESOURCE } from './resources.ts';
