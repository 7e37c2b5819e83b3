import {
  chooseMove,
  createGame,
  createRng,
  GameError,
  gardenMap,
  type Input,
  MIN_TICKS,
  MOVES,
  OVERTIME_TICKS,
  replay,
  result,
  stateHash,
  step,
} from '@warren/example-game-server/game';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distancesFrom, FAR, HOMES } from '../src/game/garden.ts';
import { idle, logOf, type Player, playOut, randomPlayer } from './play_out.ts';

const seed = fc.integer({ min: 0, max: 0xffffffff });
const input: fc.Arbitrary<Input | undefined> = fc.option(
  fc.record({ move: fc.constantFrom(...MOVES), dash: fc.boolean() }),
  { nil: undefined },
);
const script = fc.array(input, { maxLength: MIN_TICKS + OVERTIME_TICKS });
const scripted =
  (inputs: (Input | undefined)[]): Player =>
  (_match, tick) =>
    inputs[tick];

describe('a match of Carrot Rush', () => {
  it('replays from seed and input log to the same hash, winner and scores', () => {
    fc.assert(
      fc.property(seed, script, script, (chosen, first, second) => {
        const match = playOut(chosen, [scripted(first), scripted(second)]);
        const log = logOf(match);
        const again = replay(JSON.parse(JSON.stringify(log)));
        expect(again.matches).toBe(true);
        expect(again.hash).toBe(log.final_hash);
        expect(again.winner).toBe(match.result?.winner);
        expect(again.scores).toEqual(match.result?.scores);
      }),
      { numRuns: 60 },
    );
  });

  it('has the same hash after every tick in two independent runs', () => {
    fc.assert(
      fc.property(seed, script, script, (chosen, first, second) => {
        const runs = [0, 1].map(() => {
          const state = createGame({ seed: chosen, players: ['ann', 'bob'], ticks: MIN_TICKS });
          const hashes: string[] = [];
          for (let tick = 0; state.phase !== 'over'; tick += 1) {
            step(state, [first[tick], second[tick]]);
            hashes.push(stateHash(state));
          }
          return hashes;
        });
        expect(runs[0]).toEqual(runs[1]);
      }),
      { numRuns: 15 },
    );
  });

  it('always ends with exactly one winner within its time and overtime', () => {
    fc.assert(
      fc.property(seed, script, script, (chosen, first, second) => {
        const outcome = playOut(chosen, [scripted(first), scripted(second)]).result;
        if (outcome === undefined) throw new Error('no result');
        const { scores, winner, winnerId, ticks } = outcome;
        expect(winnerId).toBe(winner === 0 ? 'ann' : 'bob');
        expect(ticks).toBeGreaterThanOrEqual(MIN_TICKS);
        expect(ticks).toBeLessThanOrEqual(MIN_TICKS + OVERTIME_TICKS);
        if (scores[0] !== scores[1]) expect(winner).toBe(scores[0] > scores[1] ? 0 : 1);
      }),
      { numRuns: 60 },
    );
  });

  it('is decided by the seed alone when nobody plays, and the coin is fair', () => {
    const winners = Array.from({ length: 200 }, (_, i) => playOut(i * 7919, [idle, idle]).result);
    expect(winners.every((outcome) => outcome?.reason === 'coin')).toBe(true);
    const first = winners.filter((outcome) => outcome?.winner === 0).length;
    expect(first).toBeGreaterThan(70);
    expect(first).toBeLessThan(130);
  });

  it('is won by a random walker against an idle rabbit nearly always', () => {
    let won = 0;
    for (let i = 0; i < 60; i += 1) {
      const walker = i % 2 === 0 ? 0 : 1;
      const match = playOut(i * 31 + 5, walker === 0 ? [randomPlayer(i), idle] : [idle, randomPlayer(i)]);
      if (match.result?.winner === walker) won += 1;
    }
    expect(won).toBeGreaterThanOrEqual(54);
  });

  it('is won by either side about equally often when both play the same policy', () => {
    const bot = (slot: 0 | 1, botSeed: number): Player => {
      const rng = createRng(botSeed);
      return (match) => chooseMove({ map: match.welcome(slot).map, snapshot: match.snapshot() }, slot, rng);
    };
    let first = 0;
    for (let i = 0; i < 80; i += 1) {
      if (playOut(i * 977, [bot(0, i), bot(1, i + 5000)]).result?.winner === 0) first += 1;
    }
    expect(first).toBeGreaterThanOrEqual(24);
    expect(first).toBeLessThanOrEqual(56);
  });

  it('depends on the inputs: other inputs give another hash, and the other player can win', () => {
    const winners = new Set<string | undefined>();
    const hashes = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      const match = playOut(42, [randomPlayer(i), randomPlayer(100 + i)]);
      winners.add(match.result?.winnerId);
      hashes.add(logOf(match).final_hash);
    }
    expect(winners).toEqual(new Set(['ann', 'bob']));
    expect(hashes.size).toBe(20);
  });

  it('takes more than 100 inputs of each player even at the shortest length', () => {
    const counts = playOut(1, [randomPlayer(1), randomPlayer(2)]).inputCounts;
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(MIN_TICKS);
  });
});

describe('an input log', () => {
  const log = logOf(playOut(9, [randomPlayer(1), randomPlayer(2)]));
  const [first, second, ...rest] = log.inputs;
  if (first === undefined || second === undefined) throw new Error('no inputs');

  it('does not match its hash when the inputs of one player are taken out of it', () => {
    const changed = { ...log, inputs: log.inputs.filter(([slot]) => slot !== 0) };
    expect(replay(changed).matches).toBe(false);
  });

  it.each([
    ['another version', { ...log, version: 99 }],
    ['swapped inputs', { ...log, inputs: [second, first, ...rest] }],
    ['one input twice', { ...log, inputs: [first, first, second, ...rest] }],
    ['an unknown move', { ...log, inputs: [[0, 0, 5, 0]] }],
    ['an input after the end', { ...log, inputs: [...log.inputs, [1, 1000, 0, 0]] }],
    ['a missing seed', { ...log, seed: undefined }],
    ['a hash that is none', { ...log, final_hash: 'x' }],
    ['nothing at all', null],
  ])('is refused with GAME_BAD_LOG when it has %s', (_what, bad) => {
    expect(() => replay(bad)).toThrow(expect.objectContaining({ code: 'GAME_BAD_LOG' }));
  });
});

describe('createGame', () => {
  it.each([
    { seed: -1, players: ['a', 'b'] as const, ticks: 120 },
    { seed: 0.5, players: ['a', 'b'] as const, ticks: 120 },
    { seed: 2 ** 32, players: ['a', 'b'] as const, ticks: 120 },
    { seed: 1, players: ['a', 'a'] as const, ticks: 120 },
    { seed: 1, players: ['', 'b'] as const, ticks: 120 },
    { seed: 1, players: ['a', 'b'] as const, ticks: 119 },
    { seed: 1, players: ['a', 'b'] as const, ticks: 901 },
  ])('refuses %j with GAME_BAD_OPTIONS', (options) => {
    expect(() => createGame(options)).toThrow(GameError);
    expect(() => createGame(options)).toThrow(expect.objectContaining({ code: 'GAME_BAD_OPTIONS' }));
  });

  it('grows a mirrored garden in which every carrot can be reached from both homes', () => {
    fc.assert(
      fc.property(seed, (chosen) => {
        const state = createGame({ seed: chosen, players: ['a', 'b'], ticks: 120 });
        const { rows } = gardenMap(state.garden);
        for (const row of rows) expect([...row].reverse().join('')).toBe(row);
        const fromHomes = HOMES.map((home) => distancesFrom(state.garden, home));
        for (let tick = 0; tick < 120; tick += 1) {
          step(state, [undefined, undefined]);
          for (const { cell } of state.carrots) {
            for (const distances of fromHomes) expect(distances[cell]).toBeLessThan(FAR);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('has no result before the end', () => {
    expect(result(createGame({ seed: 1, players: ['a', 'b'], ticks: 120 }))).toBeUndefined();
  });
});
