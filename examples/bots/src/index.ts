export { Bot, type BotOptions, type MatchEnded, type MatchFound } from './bot.ts';
export { GameConnection, type GameConnectionOptions } from './game_connection.ts';
export { type PlayedMatch, type PlayMatchOptions, playMatch } from './play_match.ts';
