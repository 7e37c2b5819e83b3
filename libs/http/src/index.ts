export { type AdminServer, type AdminServerDeps, createAdminServer, type HealthReport } from './admin_server.ts';
export type { AdmittedCall, CallerInfo, CallPort } from './call_port.ts';
export {
  createHttpServer,
  type HttpRouteSpec,
  HttpServer,
  type HttpServerDeps,
  type RouteReply,
} from './http_server.ts';
export { type ApiInfo, type DocumentedRoute, openApiOf } from './openapi.ts';
export { commonError } from './problem.ts';
export type { ServerSocket, SocketListener } from './server_socket.ts';
export type { SocketRoute } from './socket_routes.ts';
export { invalidInput, validateStrictly } from './strict_dto.ts';
export { textFrame } from './text_frame.ts';
