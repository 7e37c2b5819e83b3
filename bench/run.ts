/** `npm run bench -- <measure> [rounds]`, or `npm run bench -- all [rounds]`, which writes docs/benchmarks.md anew. */
import { consume } from './measures/consume.ts';
import { listener } from './measures/listener.ts';
import { publish } from './measures/publish.ts';
import { rpc } from './measures/rpc.ts';
import { printFigures, printHeading } from './support/console_report.ts';
import { contest } from './support/contest.ts';
import { type Figures, figuresOf } from './support/figures.ts';
import { machine } from './support/machine_load.ts';
import type { Measure } from './support/measure.ts';
import { writePage } from './support/page.ts';

const MEASURES: readonly Measure[] = [rpc, consume, publish, listener];
const DEFAULT_ROUNDS = 16;

async function run(measure: Measure, rounds: number): Promise<Figures[]> {
  process.stdout.write(`\n${measure.title}: ${measure.about}\n`);
  const open = await measure.open();
  const all: Figures[] = [];
  try {
    printHeading(measure.unit, open.rows[0]?.parts ?? []);
    for (const row of open.rows) {
      const figures = figuresOf(await contest(row, rounds));
      printFigures(figures);
      all.push(figures);
    }
  } finally {
    await open.close();
  }
  return all;
}

async function main(): Promise<void> {
  const [name = 'all', rounds = DEFAULT_ROUNDS] = process.argv.slice(2);
  const wanted = MEASURES.filter((measure) => name === 'all' || measure.name === name);
  if (wanted.length === 0) throw new Error(`measures: ${MEASURES.map((each) => each.name).join(', ')}, all`);
  process.stdout.write(`${machine()}; CPU us = processor time per operation, broker excluded\n`);
  const results: { measure: Measure; figures: Figures[] }[] = [];
  for (const measure of wanted) results.push({ measure, figures: await run(measure, Number(rounds)) });
  if (name === 'all') writePage(machine(), results);
}

await main();
