export { BaseSettings, ListenerSettings, PostgresSettings, RedisSettings } from './base_settings.ts';
export { createServiceApp, type RunningService } from './create_service_app.ts';
export { runService } from './run_service.ts';
export type { ServiceDefinition } from './service_definition.ts';
