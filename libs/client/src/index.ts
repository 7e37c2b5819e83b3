export { type CallOptions, type RequestOptions, SocketSession, WarrenError } from '@warren/wire';
export { WarrenClient, type WarrenClientOptions } from './warren_client.ts';
