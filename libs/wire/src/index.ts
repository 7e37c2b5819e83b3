export { Api, type ApiOptions, type CallOptions } from './api.ts';
export { EventFeed } from './event_feed.ts';
export { type RequestOptions, SocketSession, type SocketSessionOptions } from './socket_session.ts';
export { WarrenError } from './warren_error.ts';
