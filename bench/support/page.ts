import fs from 'node:fs';
import path from 'node:path';
import { chart } from './chart.ts';
import { MAX_FOREIGN } from './contest.ts';
import type { Figures } from './figures.ts';
import type { Measure } from './measure.ts';

const DOCS = path.resolve(import.meta.dirname, '..', '..', 'docs');

interface Result {
  readonly measure: Measure;
  readonly figures: readonly Figures[];
}

const HEADING = `# Benchmarks

Warren's messaging beside the bare library, both in one run. Written by \`npm run bench -- all\`: the figures below are that run's, none is edited by hand.

Read the ratios, not the speeds. The machine is small and shared: the same code is half as fast a minute later, for both sides alike. So windows of the two
sides take turns, a window in which others kept more than ${MAX_FOREIGN} processors busy does not count, and what is compared is **processor time per operation** of our
processes, the broker left out. **Ratio** is raw divided by Warren: above 1 Warren needs less than the bare library. Its spread is the quartiles of the rounds.
`;

/** docs/benchmarks.md and its charts. */
export function writePage(machine: string, results: readonly Result[]): void {
  fs.mkdirSync(path.join(DOCS, 'benchmarks'), { recursive: true });
  const parts = [HEADING, `Machine: ${machine}, everything on it, on ${new Date().toISOString().slice(0, 10)}.\n`];
  for (const { measure, figures } of results) {
    const file = `benchmarks/${measure.name}.svg`;
    fs.writeFileSync(path.join(DOCS, file), chart(measure.title, measure.unit, figures));
    parts.push(
      `## ${measure.title}\n`,
      `${measure.about}\n`,
      `![${measure.title}](${file})\n`,
      table(measure, figures),
    );
  }
  fs.writeFileSync(path.join(DOCS, 'benchmarks.md'), parts.join('\n'));
  process.stdout.write('\nwrote docs/benchmarks.md\n');
}

function table({ unit }: Measure, figures: readonly Figures[]): string {
  const head = ['', 'rounds', 'CPU µs raw', 'CPU µs Warren', '**ratio**', 'spread', 'p50 ms raw', 'p50 ms Warren'];
  const more = ['p99 ms raw', 'p99 ms Warren', `${unit}s/s raw`, `${unit}s/s Warren`];
  const rows = figures.map((row) => [
    row.quiet ? row.label : `${row.label} (disturbed: no measure)`,
    String(row.rounds),
    row.raw.cpu.toFixed(2),
    row.warren.cpu.toFixed(2),
    `**${row.cpuRatio.toFixed(2)}**`,
    `${row.cpuSpread.low.toFixed(2)}–${row.cpuSpread.high.toFixed(2)}`,
    ...[row.raw.p50, row.warren.p50, row.raw.p99, row.warren.p99].map(milliseconds),
    ...[row.raw.perSecond, row.warren.perSecond].map((value) => Math.round(value).toLocaleString('en')),
  ]);
  const lines = [[...head, ...more], [...head, ...more].map(() => '---'), ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

const milliseconds = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(2));
