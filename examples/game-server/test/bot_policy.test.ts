import { chooseMove, createRng, type Input } from '@warren/example-game-server/game';
import { describe, expect, it } from 'vitest';
import { idle, type Player, playOut, randomPlayer } from './play_out.ts';

const bot = (slot: 0 | 1, seed: number, hesitation = 0): Player => {
  const rng = createRng(seed);
  return (match): Input =>
    chooseMove({ map: match.welcome(slot).map, snapshot: match.snapshot() }, slot, rng, { hesitation });
};

const wins = (games: number, play: (i: number) => readonly [Player, Player], ticks = 200): number => {
  let won = 0;
  for (let i = 0; i < games; i += 1) if (playOut(i * 613 + 1, play(i), ticks).result?.winner === 0) won += 1;
  return won;
};

describe('the bot', () => {
  it('beats an idle rabbit always and a random walker nearly always', () => {
    expect(wins(10, (i) => [bot(0, i), idle])).toBe(10);
    expect(wins(20, (i) => [bot(0, i), randomPlayer(i)])).toBeGreaterThanOrEqual(19);
  });

  it('is beatable when it hesitates', () => {
    expect(wins(20, (i) => [bot(0, i), bot(1, i, 60)])).toBeGreaterThanOrEqual(14);
  });

  it('scores steadily in a full match, bumps and meets the fox: the game has a story', () => {
    const scores = [1, 2, 3].map((i) => playOut(i, [bot(0, i), bot(1, i + 9)], 600).result?.scores ?? [0, 0]);
    for (const [a, b] of scores) expect((a ?? 0) + (b ?? 0)).toBeGreaterThanOrEqual(12);
  });

  it('chooses the same for the same sight and the same generator', () => {
    const match = playOut(3, [randomPlayer(1), randomPlayer(2)]);
    const view = { map: match.welcome(0).map, snapshot: match.snapshot() };
    expect(chooseMove(view, 0, createRng(8))).toEqual(chooseMove(view, 0, createRng(8)));
  });
});
