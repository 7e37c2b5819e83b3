/**
 * RPC through Warren's libraries beside the bare amqplib: `npm run bench -- rpc`. Each side has a caller and a responder process of its own;
 * windows of both sides take turns, so that whatever else the machine does meets both alike.
 */
import { declareExchanges } from '@warren/rabbit';
import { tempVhost } from '@warren/testing';
import { machine } from './support/machine_load.ts';
import { printHeading, printRows } from './support/report.ts';
import { SideProcess } from './support/side.ts';
import { addWindow, type Cell, noSums, oneWindow, type Pair, type Window } from './support/window.ts';

const ROUNDS = Number(process.argv[2] ?? 16);
/** A round that others disturbed is measured again, at most this often per row. */
const MAX_REPEATS = 16;
const WINDOW_MS = 550;
const MAX_FOREIGN = 0.5;
const IN_FLIGHT = [1, 32, 256];
const RAW_QUEUE = 'bench.raw';

interface Pairs {
  readonly raw: Pair;
  readonly warren: Pair;
}

/** Both sides in turn; who begins changes with each round. A round counts only when neither window was disturbed. */
async function measureCells({ raw, warren }: Pairs, inFlight: number): Promise<{ raw: Cell; warren: Cell }> {
  const order = { inFlight, ms: WINDOW_MS };
  const newCell = (): Cell => ({ quiet: noSums(), disturbed: noSums() });
  const cells = { raw: newCell(), warren: newCell() };
  const sides = [
    [raw, cells.raw],
    [warren, cells.warren],
  ] as const;
  for (const [pair] of sides) await pair.caller.run(order);
  let quietRounds = 0;
  for (let round = 0; quietRounds < ROUNDS && round < ROUNDS + MAX_REPEATS; round++) {
    const windows: [Cell, Window][] = [];
    for (const [pair, cell] of round % 2 === 0 ? sides : sides.toReversed())
      windows.push([cell, await oneWindow(pair, order)]);
    const quiet = windows.every(([, { foreign }]) => foreign <= MAX_FOREIGN);
    if (quiet) quietRounds++;
    for (const [cell, window] of windows) addWindow(quiet ? cell.quiet : cell.disturbed, window);
  }
  return cells;
}

async function startPairs(url: string): Promise<Pairs> {
  const [raw, warren] = await Promise.all([
    SideProcess.start('raw_responder.ts', url, RAW_QUEUE),
    SideProcess.start('warren_responder.ts', url),
  ]);
  return {
    raw: { responder: raw, caller: await SideProcess.start('raw_caller.ts', url, RAW_QUEUE) },
    warren: { responder: warren, caller: await SideProcess.start('warren_caller.ts', url) },
  };
}

async function main(): Promise<void> {
  const vhost = await tempVhost();
  const heading = `${ROUNDS} windows of ${WINDOW_MS} ms per side and row, in turn; us = processor time per call`;
  process.stdout.write(`${machine()}\n${heading}\n`);
  try {
    await declareExchanges(vhost.url);
    const pairs = await startPairs(vhost.url);
    printHeading();
    let allQuiet = true;
    for (const inFlight of IN_FLIGHT)
      allQuiet = printRows(inFlight, await measureCells(pairs, inFlight), ROUNDS) && allQuiet;
    if (!allQuiet)
      process.stdout.write(`(!) others kept more than ${MAX_FOREIGN} processors busy: an indication, no measure\n`);
    for (const { caller, responder } of [pairs.raw, pairs.warren]) await Promise.all([caller.stop(), responder.stop()]);
  } finally {
    await vhost.drop();
  }
}

await main();
