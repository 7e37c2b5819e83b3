export { createGatewayServer, GatewayServer, type GatewayServerDeps } from './gateway_server.ts';
export { registerSession, SESSION, type SessionSettings } from './session_container.ts';
