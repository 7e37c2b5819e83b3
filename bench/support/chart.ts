import type { Figures } from './figures.ts';

const WIDTH = 720;
const LABEL_WIDTH = 190;
const BAR = 16;
const GAP = 6;
const ROW = 2 * BAR + GAP + 22;
const TOP = 34;
const COLOURS = { raw: '#9aa4b2', warren: '#2f7d5b' } as const;

/** A bar per side and row: processor time per operation, the shorter the better. Readable on a light and a dark page. */
export function chart(title: string, unit: string, rows: readonly Figures[]): string {
  const most = Math.max(...rows.flatMap(({ raw, warren }) => [raw.cpu, warren.cpu]));
  const scale = (WIDTH - LABEL_WIDTH - 90) / most;
  const height = TOP + rows.length * ROW + 8;
  const bars = rows.flatMap((row, i) => [
    text(8, TOP + i * ROW + BAR + GAP, row.label),
    ...(['raw', 'warren'] as const).flatMap((side, j) => {
      const y = TOP + i * ROW + j * (BAR + GAP);
      const width = (row[side].cpu * scale).toFixed(1);
      return [
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}" rx="2" fill="${COLOURS[side]}"/>`,
        text(LABEL_WIDTH + Number(width) + 6, y + 13, `${row[side].cpu.toFixed(1)} µs ${side}`),
      ];
    }),
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${title}: processor time per ${unit}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(8, 20, `${title}: µs of processor time per ${unit}, less is better`, 'font-weight="bold"'),
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x}" y="${y}" font-family="sans-serif" font-size="13" fill="#1d2430" ${more}>${content}</text>`;
}
