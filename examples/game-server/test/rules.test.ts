import {
  createGame,
  type GameEvent,
  type GameState,
  type Input,
  type Slot,
  step,
} from '@warren/example-game-server/game';
import { describe, expect, it } from 'vitest';
import { cellAt, DEN } from '../src/game/garden.ts';

/** An open garden without carrots in which the fox sleeps: each test adds what it is about. */
function openField(): GameState {
  const game = createGame({ seed: 1, players: ['ann', 'bob'], ticks: 600 });
  const state: GameState = { ...game, garden: game.garden.map(() => false), carrots: [] };
  state.fox.napUntil = 10_000;
  return state;
}

function place(state: GameState, slot: Slot, [x, y]: readonly [x: number, y: number], score = 0): void {
  Object.assign(state.rabbits[slot], { cell: cellAt(x, y), score });
}

const go = (move: Input['move'], dash = false): Input => ({ move, dash });

function run(state: GameState, ticks: number, first?: Input, second?: Input): GameEvent[] {
  const events: GameEvent[] = [];
  for (let tick = 0; tick < ticks; tick += 1) events.push(...step(state, [first, second]));
  return events;
}

describe('a rabbit', () => {
  it('enters a new cell every third tick and keeps its heading without inputs', () => {
    const state = openField();
    place(state, 0, [0, 5]);
    step(state, [go('right'), undefined]);
    run(state, 6);
    expect(state.rabbits[0].cell).toBe(cellAt(3, 5));
  });

  it('dashes five cells in five ticks straight on, then must rest before it can dash again', () => {
    const state = openField();
    place(state, 0, [0, 5]);
    const events = step(state, [go('right', true), undefined]);
    expect(events).toContainEqual({ type: 'dash', slot: 0 });
    expect(run(state, 4, go('up', true))).toEqual([]);
    expect(state.rabbits[0].cell).toBe(cellAt(5, 5));
    expect(run(state, 44, go('stay', true))).toEqual([]);
    expect(run(state, 2, go('up', true))).toContainEqual({ type: 'dash', slot: 0 });
  });

  it('does not walk through hedges or out of the garden, and a dash against a hedge does not start', () => {
    const state = openField();
    const walled: GameState = { ...state, garden: state.garden.map((_, cell) => cell === cellAt(1, 5)) };
    place(walled, 0, [0, 5]);
    expect(run(walled, 6, go('right', true))).toEqual([]);
    run(walled, 6, go('left'));
    expect(walled.rabbits[0].cell).toBe(cellAt(0, 5));
  });

  it('collects ripe carrots only, and a golden one is worth three', () => {
    const state = openField();
    place(state, 0, [3, 3]);
    state.carrots = [{ cell: cellAt(3, 3), golden: true, ripeAt: 2, goneAt: 50 }];
    expect(run(state, 2)).toEqual([]);
    expect(run(state, 1)).toEqual([{ type: 'collect', slot: 0, points: 3 }]);
    expect(state.rabbits[0].score).toBe(3);
    expect(state.carrots).toEqual([]);
  });
});

describe('two rabbits', () => {
  it('bump: the dasher stays, the other drops two carrots nearby, is stunned, then safe for a while', () => {
    const state = openField();
    place(state, 0, [5, 5]);
    place(state, 1, [7, 5], 5);
    const events = run(state, 2, go('right', true));
    expect(events).toContainEqual({ type: 'bump', slot: 1, lost: 2 });
    expect(state.rabbits[0].cell).toBe(cellAt(6, 5));
    expect(state.rabbits[1].score).toBe(3);
    expect(state.carrots).toHaveLength(2);
    run(state, 8, go('stay'), go('right'));
    expect(state.rabbits[1].cell).toBe(cellAt(7, 5));
    state.rabbits[0].dashReadyAt = 0;
    expect(run(state, 2, go('right', true), go('stay'))).toEqual([{ type: 'dash', slot: 0 }]);
    expect(state.rabbits[1].score).toBe(3);
  });

  it('bump each other when both dash head on', () => {
    const state = openField();
    place(state, 0, [5, 5], 4);
    place(state, 1, [6, 5], 1);
    const events = step(state, [go('right', true), go('left', true)]);
    expect(events.filter((event) => event.type === 'bump')).toEqual([
      { type: 'bump', slot: 1, lost: 1 },
      { type: 'bump', slot: 0, lost: 2 },
    ]);
    expect(state.rabbits.map((rabbit) => rabbit.score)).toEqual([2, 0]);
  });

  it('block each other when walking head on, and a coin lets one of them into a free cell between', () => {
    const state = openField();
    place(state, 0, [5, 5]);
    place(state, 1, [7, 5]);
    run(state, 1, go('right'), go('left'));
    const cells = state.rabbits.map((rabbit) => rabbit.cell);
    expect([
      [cellAt(6, 5), cellAt(7, 5)],
      [cellAt(5, 5), cellAt(6, 5)],
    ]).toContainEqual(cells);
    run(state, 10, go('right'), go('left'));
    expect(state.rabbits.map((rabbit) => rabbit.cell)).toEqual(cells);
  });

  it('may walk in a row: one enters the cell the other leaves', () => {
    const state = openField();
    place(state, 0, [5, 5]);
    place(state, 1, [6, 5]);
    run(state, 1, go('right'), go('right'));
    expect(state.rabbits.map((rabbit) => rabbit.cell)).toEqual([cellAt(6, 5), cellAt(7, 5)]);
  });
});

describe('the fox', () => {
  it('hunts the leader, bites three carrots off and goes to sleep', () => {
    const state = openField();
    state.fox.napUntil = 0;
    place(state, 0, [10, 2], 1);
    place(state, 1, [14, 5], 4);
    const events = run(state, 16);
    expect(events).toContainEqual({ type: 'bite', slot: 1, lost: 3 });
    expect(events.filter((event) => event.type === 'bite')).toHaveLength(1);
    expect(state.rabbits.map((rabbit) => rabbit.score)).toEqual([1, 1]);
    expect(state.fox.cell).toBe(DEN);
    expect(state.fox.napUntil).toBeGreaterThan(state.tick);
  });

  it('is slower than a rabbit that runs', () => {
    const state = openField();
    state.fox.napUntil = 0;
    place(state, 0, [8, 5], 4);
    run(state, 3 * 8, go('left'));
    expect(state.rabbits[0].score).toBe(4);
    expect(state.rabbits[0].cell).toBe(cellAt(0, 5));
  });
});

describe('the end', () => {
  it('comes at the last tick when somebody leads', () => {
    const state = openField();
    place(state, 0, [0, 5], 1);
    state.tick = 599;
    expect(run(state, 1)).toContainEqual({ type: 'over', winner: 0 });
    expect(state.reason).toBe('score');
  });

  it('becomes overtime at equal points, which the first lead wins', () => {
    const state = openField();
    place(state, 0, [3, 3], 2);
    place(state, 1, [4, 4], 2);
    state.tick = 599;
    expect(run(state, 1)).toContainEqual({ type: 'overtime' });
    expect(state.rabbits.map(({ cell, score }) => [cell, score])).toEqual([
      [cellAt(0, 5), 2],
      [cellAt(20, 5), 2],
    ]);
    expect(state.carrots.length).toBeGreaterThanOrEqual(6);
    state.carrots.push({ cell: cellAt(20, 5), golden: false, ripeAt: 0, goneAt: -1 });
    expect(run(state, 1)).toContainEqual({ type: 'over', winner: 1 });
    expect(state.reason).toBe('overtime');
  });

  it('goes to the later last carrot when overtime brings no lead', () => {
    const state = openField();
    state.tick = 799;
    state.phase = 'overtime';
    state.rabbits[0].lastCollectAt = 300;
    state.rabbits[1].lastCollectAt = 280;
    run(state, 1);
    expect([state.winner, state.reason]).toEqual([0, 'last_carrot']);
  });
});
