export { Bot, type MatchEnded, type MatchFound } from './bot.ts';
export { GameConnection } from './game_connection.ts';
export { playMatch } from './play_match.ts';
