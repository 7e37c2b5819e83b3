export { AUTH_TOKENS, registerAuth } from './auth_container.ts';
export type { AuthDomainSettings } from './auth_settings.ts';
export { authMigrations } from './migrations/auth_migrations.ts';
export type { AuthOrchestrator } from './orchestrators/auth_orchestrator.ts';
export { createServerKey, ensureServerKey } from './services/server_keys.ts';
