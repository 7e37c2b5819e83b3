import type { Rng } from './rng.ts';
import { nextInt } from './rng.ts';
import { GARDEN_HEIGHT, GARDEN_WIDTH } from './rules.ts';

/** Every move of the game; the position in this list is its number in an input log and must never change. */
export const MOVES = ['stay', 'up', 'down', 'left', 'right'] as const;
export type Move = (typeof MOVES)[number];
export type Direction = Exclude<Move, 'stay'>;

/** Whether a hedge grows in a cell; the cell of (x, y) is y * GARDEN_WIDTH + x. */
export type Garden = readonly boolean[];

const CELLS = GARDEN_WIDTH * GARDEN_HEIGHT;
export const MIDDLE_COLUMN = (GARDEN_WIDTH - 1) / 2;
const MIDDLE_ROW = (GARDEN_HEIGHT - 1) / 2;

/** A distance greater than any path. */
export const FAR = GARDEN_WIDTH * GARDEN_HEIGHT;

const DIRECTIONS: readonly Direction[] = ['up', 'down', 'left', 'right'];
const HEDGE_ATTEMPTS = 80;
const HEDGE_CELLS = 52;
const HEDGE_MAX_LENGTH = 4;

export function cellAt(x: number, y: number): number {
  return y * GARDEN_WIDTH + x;
}

export function columnOf(cell: number): number {
  return cell % GARDEN_WIDTH;
}

export function rowOf(cell: number): number {
  return Math.trunc(cell / GARDEN_WIDTH);
}

/** The cell at the same place on the other player's side. */
export function mirrorOf(cell: number): number {
  return cellAt(GARDEN_WIDTH - 1 - columnOf(cell), rowOf(cell));
}

/** Where the two rabbits start, by slot. */
export const HOMES: readonly [number, number] = [cellAt(0, MIDDLE_ROW), cellAt(GARDEN_WIDTH - 1, MIDDLE_ROW)];

/** Where the fox sleeps: the middle of the garden. */
export const DEN = cellAt(MIDDLE_COLUMN, MIDDLE_ROW);

function beyond(cell: number, direction: Direction): number | undefined {
  const x = columnOf(cell);
  const y = rowOf(cell);
  if (direction === 'up') return y > 0 ? cell - GARDEN_WIDTH : undefined;
  if (direction === 'down') return y < GARDEN_HEIGHT - 1 ? cell + GARDEN_WIDTH : undefined;
  if (direction === 'left') return x > 0 ? cell - 1 : undefined;
  return x < GARDEN_WIDTH - 1 ? cell + 1 : undefined;
}

/** The cell one step away, or undefined where the garden ends or a hedge stands. */
export function neighbour(garden: Garden, cell: number, move: Move): number | undefined {
  if (move === 'stay') return cell;
  const next = beyond(cell, move);
  return next === undefined || garden[next] === true ? undefined : next;
}

/** The steps that can be taken from a cell, in the fixed order up, down, left, right. */
export function exits(garden: Garden, cell: number): { move: Direction; cell: number }[] {
  const open: { move: Direction; cell: number }[] = [];
  for (const move of DIRECTIONS) {
    const next = neighbour(garden, cell, move);
    if (next !== undefined) open.push({ move, cell: next });
  }
  return open;
}

/** Steps from a cell to every cell (breadth first), FAR where no path leads; `avoid` cells are not entered. */
export function distancesFrom(garden: Garden, from: number, avoid: ReadonlySet<number> = new Set()): number[] {
  const distances = Array.from({ length: CELLS }, () => FAR);
  distances[from] = 0;
  const queue = [from];
  for (const cell of queue) {
    const next = (distances[cell] ?? FAR) + 1;
    for (const exit of exits(garden, cell)) {
      if (distances[exit.cell] !== FAR || avoid.has(exit.cell)) continue;
      distances[exit.cell] = next;
      queue.push(exit.cell);
    }
  }
  return distances;
}

/** Steps between two cells if no hedge stood between them. */
export function stepsApart(a: number, b: number): number {
  return Math.abs(columnOf(a) - columnOf(b)) + Math.abs(rowOf(a) - rowOf(b));
}

/** Every free cell can be reached and has at least two exits: a dead end would be a trap, not a choice. */
function isFair(garden: Garden): boolean {
  const distances = distancesFrom(garden, HOMES[0]);
  for (let cell = 0; cell < CELLS; cell += 1) {
    if (garden[cell] === true) continue;
    if (distances[cell] === FAR || exits(garden, cell).length < 2) return false;
  }
  return true;
}

/** One random straight hedge with its mirror image; cells near a home or the den are left out. */
function randomHedge(rng: Rng): number[] {
  const x = nextInt(rng, MIDDLE_COLUMN + 1);
  const y = nextInt(rng, GARDEN_HEIGHT);
  const length = 2 + nextInt(rng, HEDGE_MAX_LENGTH - 1);
  const upright = nextInt(rng, 2) === 1;
  const cells: number[] = [];
  for (let i = 0; i < length; i += 1) {
    const column = upright ? x : x + i;
    const row = upright ? y + i : y;
    if (column > MIDDLE_COLUMN || row >= GARDEN_HEIGHT) break;
    const cell = cellAt(column, row);
    if (stepsApart(cell, HOMES[0]) > 1 && stepsApart(cell, DEN) > 1) cells.push(cell, mirrorOf(cell));
  }
  return cells;
}

/** The garden of a seed: the same for both players, mirrored left to right, without dead ends or closed rooms. */
export function growGarden(rng: Rng): Garden {
  let garden: Garden = Array.from({ length: CELLS }, () => false);
  let grown = 0;
  for (let attempt = 0; attempt < HEDGE_ATTEMPTS && grown < HEDGE_CELLS; attempt += 1) {
    const tried = [...garden];
    for (const cell of randomHedge(rng)) tried[cell] = true;
    if (!isFair(tried)) continue;
    garden = tried;
    grown = garden.filter(Boolean).length;
  }
  return garden;
}
