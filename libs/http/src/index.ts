export { type AdminServer, createAdminServer } from './admin_server.ts';
export type { ApiDocuments } from './api_documents.ts';
export type { AdmittedCall, CallerInfo, CallPort } from './call_port.ts';
export {
  createHttpServer,
  HttpServer,
  type HttpServerDeps,
  type RouteReply,
} from './http_server.ts';
export { commonError } from './problem.ts';
export type { ServerSocket, SocketListener } from './server_socket.ts';
export { fieldsOf, invalidInput, strictDto, validateStrictly } from './strict_dto.ts';
export { textFrame } from './text_frame.ts';
