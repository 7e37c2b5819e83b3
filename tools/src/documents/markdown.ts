const cell = (text: string): string => text.replaceAll('|', '\\|');

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

export const section = (title: string, intro: string, body: string): string => `\n## ${title}\n\n${intro}\n\n${body}\n`;

export const code = (text: string): string => `\`${text}\``;
