export { Api, type ApiOptions, type CallOptions } from './api.ts';
export { EventFeed } from './event_feed.ts';
export { SocketSession } from './socket_session.ts';
export type { RequestOptions, SessionState, SocketSessionOptions } from './socket_session_options.ts';
export { type TokenSource, withToken } from './token_source.ts';
export { WarrenError } from './warren_error.ts';
