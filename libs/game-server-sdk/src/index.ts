export type { Assignment, ReportResultDto } from '@warren/contracts';
export { WarrenError } from '@warren/wire';
export { GameServer, type GameServerOptions } from './game_server.ts';
export type { Load } from './host_load.ts';
