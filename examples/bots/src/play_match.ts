import type { MatchReply } from '@warren/contracts';
import { Bot, type MatchEnded, type MatchFound } from './bot.ts';

export interface PlayMatchOptions {
  readonly gatewayUrl: string;
  /** Where the second player connects; the same gateway unless given. */
  readonly secondGatewayUrl?: string;
  readonly mode?: string;
  /** Told of every step that is done, with its milliseconds. */
  readonly onStep?: (name: string, ms: number) => void;
  /** Gives up after this time, milliseconds. */
  readonly timeoutMs?: number;
}

export interface PlayedMatch {
  readonly gameId: string;
  readonly winner: string;
  readonly traceId: string;
  readonly players: readonly [string, string];
  readonly instanceAddress: string;
  readonly row: MatchReply;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * Plays one whole match as two players through the public API: register, log in, connect, queue, join the game server,
 * play, receive the result, and read the row back. @throws Error with one sentence
 */
export async function playMatch(options: PlayMatchOptions): Promise<PlayedMatch> {
  const { gatewayUrl, secondGatewayUrl = gatewayUrl, mode = 'duel', onStep = () => undefined } = options;
  const signal = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const bots = [
    new Bot({ gatewayUrl, name: 'Hazel' }),
    new Bot({ gatewayUrl: secondGatewayUrl, name: 'Fiver', hesitation: 20 }),
  ] as const;
  const both = async <T>(name: string, work: (bot: Bot) => Promise<T>): Promise<readonly [T, T]> => {
    const startedAt = performance.now();
    const done = await Promise.all([work(bots[0]), work(bots[1])]);
    onStep(name, Math.round(performance.now() - startedAt));
    return done;
  };
  try {
    await both('both players registered', (bot) => bot.register());
    await both('both logged in', (bot) => bot.logIn());
    await both('both connected by WebSocket', (bot) => bot.connect());
    await both('both queued', (bot) => bot.queue(mode));
    const invitations = await both('both received match.found', (bot) => bot.found(signal));
    const gameId = sameGame(invitations);
    const endings = Promise.all([bots[0].ended(gameId, signal), bots[1].ended(gameId, signal)]);
    endings.catch(() => undefined);
    const [over] = await both('match played on the game server', (bot) =>
      bot.play(invitations[bots.indexOf(bot) === 0 ? 0 : 1]),
    );
    const [first, second] = await both(
      'both received match.ended',
      async (bot) => (await endings)[bots.indexOf(bot) === 0 ? 0 : 1],
    );
    checkEndings(first, second);
    const [row] = await both('result read back', (bot) => bot.client.match(gameId));
    if (row.state !== 'ended' || row.winner !== first.winner)
      throw new Error(`the stored match ${gameId} differs from the event`);
    if (invitations[0].players.find((player) => player.slot === over.winner)?.player_id !== first.winner) {
      throw new Error(`the winner of ${gameId} differs between game server and platform`);
    }
    const players = [bots[0].playerId, bots[1].playerId] as const;
    return {
      gameId,
      winner: first.winner,
      traceId: first.trace_id,
      players,
      instanceAddress: invitations[0].address,
      row,
    };
  } finally {
    for (const bot of bots) bot.close();
  }
}

function sameGame(invitations: readonly [MatchFound, MatchFound]): string {
  const [first, second] = invitations;
  if (first.game_id !== second.game_id)
    throw new Error(`the players were sent to different games, ${first.game_id} and ${second.game_id}`);
  if (first.address !== second.address)
    throw new Error(`the players of ${first.game_id} were sent to different servers`);
  return first.game_id;
}

function checkEndings(first: MatchEnded, second: MatchEnded): void {
  if (first.winner !== second.winner) throw new Error(`the players of ${first.game_id} were told different winners`);
}
