import { Bot, GameConnection, type MatchFound } from '@warren/example-bots';
import type { Move, OverMessage } from '@warren/example-game-server/game';
import { ENTER_SCREEN, keyCommands, LEAVE_SCREEN, paint, renderFrame, styleFrom } from './render/index.ts';

const OPPONENT_HESITATION = 35;
const WAIT_MS = 60_000;
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A person plays one match against a bot, in the terminal. @throws Error with one sentence */
export async function playAgainstBot(
  gatewayUrl: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Error('Playing needs a terminal: run "npm run play" in one.');
  const you = new Bot({ gatewayUrl, name: 'You' });
  const rival = new Bot({ gatewayUrl, name: 'Bigwig', hesitation: OPPONENT_HESITATION });
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    process.stdout.write('Looking for a match …\n');
    for (const bot of [you, rival]) {
      await bot.register();
      await bot.logIn();
      await bot.connect();
      await bot.queue('duel');
    }
    const [yours, theirs] = await Promise.all([you.found(signal), rival.found(signal)]);
    if (yours.game_id !== theirs.game_id)
      throw new Error('Another player was faster: somebody else got the bot. Try again.');
    const rivalPlays = rival.play(theirs);
    rivalPlays.catch(() => undefined);
    const over = await onScreen(yours, env);
    process.stdout.write(`${over === undefined ? 'You left the match.' : verdict(over, yours.slot)}\n`);
  } finally {
    you.close();
    rival.close();
  }
}

/** Plays on the screen. Undefined when the player quits. @throws Error when the game server ends the connection before the match is over */
async function onScreen(
  found: MatchFound,
  env: Readonly<Record<string, string | undefined>>,
): Promise<OverMessage | undefined> {
  const style = styleFrom(env);
  const names: readonly [string, string] = found.slot === 0 ? ['You', 'Bigwig'] : ['Bigwig', 'You'];
  let move: Move = 'stay';
  let dash = false;
  let quitting = false;
  const game = new GameConnection({
    address: found.address,
    joinTicket: found.join_ticket,
    onSnapshot: (snapshot, { map, slot, tick_ms }) => {
      process.stdout.write(paint(renderFrame({ map, snapshot, you: slot, names, tickMs: tick_ms }, style)));
      const input = { move, dash };
      dash = false;
      return input;
    },
  });
  const quit = (): void => {
    quitting = true;
    game.close();
  };
  const onKeys = (chunk: Buffer): void => {
    for (const command of keyCommands(chunk.toString())) {
      if (command.kind === 'quit') quit();
      else if (command.kind === 'dash') dash = true;
      else move = command.move;
    }
  };
  process.stdout.write(ENTER_SCREEN);
  process.stdin.setRawMode(true).on('data', onKeys).resume();
  // otherwise the signal would leave the terminal in raw mode and on the game's screen
  for (const signal of END_SIGNALS) process.once(signal, quit);
  try {
    return await game.over();
  } catch (error) {
    if (quitting) return undefined;
    throw error;
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, quit);
    process.stdin.off('data', onKeys).setRawMode(false).pause();
    process.stdout.write(LEAVE_SCREEN);
  }
}

function verdict(over: OverMessage, slot: number): string {
  const [first, second] = over.scores;
  const score = slot === 0 ? `${first} : ${second}` : `${second} : ${first}`;
  return over.winner === slot ? `You won ${score}.` : `You lost ${score}.`;
}
