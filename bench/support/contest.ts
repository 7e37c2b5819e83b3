import type { Contestant, Window } from './window.ts';

/** A round that others disturbed is measured again, at most this often per row. */
const MAX_REPEATS = 16;
/** Processors that others may keep busy in a window that counts. */
export const MAX_FOREIGN = 0.5;
/** Services run for days: what is measured is code that the engine has compiled. */
const WARM_UPS = 8;

/** One line of a measure: the bare library and ours at the same work. */
export interface Row {
  readonly label: string;
  /** Names of the measured processes. */
  readonly parts: readonly string[];
  readonly raw: Contestant;
  readonly warren: Contestant;
}

interface Rounds {
  readonly raw: readonly Window[];
  readonly warren: readonly Window[];
}

export interface Outcome {
  readonly row: Row;
  /** The rounds in which nobody else used the machine; all of them where there were too few. */
  readonly rounds: Rounds;
  readonly quiet: boolean;
  /** Rounds that others disturbed. */
  readonly disturbed: number;
}

/** Both sides in turn; who begins changes with each round. A round counts only when neither window was disturbed. */
export async function contest(row: Row, rounds: number): Promise<Outcome> {
  const { raw, warren } = row;
  for (let i = 0; i < WARM_UPS; i++) {
    await raw.window();
    await warren.window();
  }
  const quiet: { raw: Window; warren: Window }[] = [];
  const disturbed: { raw: Window; warren: Window }[] = [];
  for (let round = 0; quiet.length < rounds && round < rounds + MAX_REPEATS; round++) {
    const pair = round % 2 === 0 ? await rawFirst(row) : await warrenFirst(row);
    const isQuiet = pair.raw.foreign <= MAX_FOREIGN && pair.warren.foreign <= MAX_FOREIGN;
    (isQuiet ? quiet : disturbed).push(pair);
  }
  const enough = quiet.length >= rounds / 2;
  const kept = enough ? quiet : [...quiet, ...disturbed];
  return {
    row,
    rounds: { raw: kept.map((pair) => pair.raw), warren: kept.map((pair) => pair.warren) },
    quiet: enough,
    disturbed: disturbed.length,
  };
}

async function rawFirst({ raw, warren }: Row): Promise<{ raw: Window; warren: Window }> {
  const first = await raw.window();
  return { raw: first, warren: await warren.window() };
}

async function warrenFirst({ raw, warren }: Row): Promise<{ raw: Window; warren: Window }> {
  const first = await warren.window();
  return { raw: await raw.window(), warren: first };
}
