export { BaseSettings, ListenerSettings, PostgresSettings, RedisSettings } from './base_settings.ts';
export { createServiceApp, type RunningService, type StartOptions } from './create_service_app.ts';
export { Health, type HealthCheck } from './health.ts';
export { runService } from './run_service.ts';
export type { BackgroundTask, PublicServer, ServiceDefinition, ServiceResources } from './service_definition.ts';
