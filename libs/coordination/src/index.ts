export { COORDINATION, registerCoordination } from './coordination_container.ts';
export type { CoordinationSettings } from './coordination_settings.ts';
export { coordinationMigrations } from './migrations/coordination_migrations.ts';
export { CoordinationOrchestrator } from './orchestrators/coordination_orchestrator.ts';
