export type { Assignment, ReportFailureDto, ReportResultDto } from '@warren/contracts';
export { WarrenError } from '@warren/wire';
export { GameServer } from './game_server.ts';
export type { GameServerOptions } from './game_server_options.ts';
export type { Load } from './host_load.ts';
export type { JoinClaims } from './join_claims.ts';
