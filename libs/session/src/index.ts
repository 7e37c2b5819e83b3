export { gatewayDocuments } from './api_documents.ts';
export { createGatewayServer, GatewayServer, type GatewayServerDeps } from './gateway_server.ts';
export { registerSession, SESSION, type SessionSettings } from './session_container.ts';
