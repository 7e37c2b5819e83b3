import type { ServiceDefinition } from '@warren/app';
import { createGatewayServer, registerSession } from '@warren/session';
import { httpSettings, sessionSettings } from './gateway_config.ts';
import { GatewayEnv } from './gateway_env.ts';

/** The door to the outside: HTTP, WebSocket and the delivery of pushed events. */
export const gatewayService: ServiceDefinition<typeof GatewayEnv> = {
  prefix: 'gateway',
  settings: GatewayEnv,
  needs: { postgres: false, redis: true },
  container: (container, { settings }) => registerSession(container, sessionSettings(settings)),
  server: (container, { settings, consumeLink }) =>
    createGatewayServer(container, { consumeLink, http: httpSettings(settings) }),
};
