import type { ServiceDefinition } from '@warren/app';
import { AUTH_TOKENS, authMigrations, registerAuth } from '@warren/auth';
import { authRegistry } from './auth_config.ts';
import { AuthEnv, authDomainSettings } from './auth_env.ts';
import { AuthListener } from './auth_listener.ts';

/** auth-svc: accounts, sessions, keys. */
export const authService: ServiceDefinition<typeof AuthEnv> = {
  prefix: 'auth',
  settings: AuthEnv,
  needs: { postgres: true, redis: false },
  registry: authRegistry,
  migrations: authMigrations,
  container: (container, { settings }) => registerAuth(container, authDomainSettings(settings)),
  listener: (deps, container) => new AuthListener(deps, container.resolve(AUTH_TOKENS.orchestrator)),
  background: (container) => [container.resolve(AUTH_TOKENS.signingKeyTask), container.resolve(AUTH_TOKENS.sweeper)],
};
