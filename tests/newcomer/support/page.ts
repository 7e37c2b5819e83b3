/** What a reader does at one place of a page. Lines are 1-based. */
export type Step = { readonly line: number } & (
  | { readonly kind: 'run' | 'stays_up'; readonly command: string }
  | { readonly kind: 'section_end' }
  /** The part of the page between its markers, for `readTranscript`. */
  | { readonly kind: 'transcript'; readonly markdown: string }
  | { readonly kind: 'edit'; readonly edit: Edit }
);

/** `create`: a new file. Otherwise text that goes before or after the one line that begins with `anchor`. */
export type Edit =
  | { readonly kind: 'create'; readonly file: string; readonly text: string }
  | { readonly kind: 'before' | 'after'; readonly file: string; readonly anchor: string; readonly text: string };

const [BEGIN, END] = ['<!-- transcript:begin -->', '<!-- transcript:end -->'];
const MARKER = /^<!-- (.+) -->$/;
const CREATE = /^create (\S+)$/;
const INSERT = /^(before|after) in (\S+): "(.+)"$/;
const STAYS_UP = 'stays up';
const FENCE = '```';

interface Block {
  readonly line: number;
  readonly language: string;
  readonly marker: string | undefined;
  readonly lines: readonly string[];
}

/** A block with its fences, a transcript with its markers, or a line of text. */
interface Chunk {
  readonly line: number;
  readonly lines: readonly string[];
}

/**
 * Everything that a page has its reader do, in order: bash blocks are commands, one a line; a comment in front of a block of code
 * says where it goes.
 * @throws Error that names the line of a block or a comment that says nothing a reader could do
 */
export function readPage(markdown: string): Step[] {
  const steps: Step[] = [];
  let marker: string | undefined;
  for (const { line, lines } of [...chunksOf(markdown.split('\n')), { line: 0, lines: ['the end'] }]) {
    const [first = ''] = lines;
    if (first.startsWith(FENCE)) {
      steps.push(...stepsOf({ line, language: first.slice(FENCE.length), marker, lines: lines.slice(1, -1) }));
      marker = undefined;
      continue;
    }
    if (marker !== undefined) throw new Error(`line ${line}: "${marker}" is said of no block`);
    if (first === BEGIN) steps.push({ kind: 'transcript', line, markdown: lines.join('\n') });
    else if (first.startsWith('## ')) steps.push({ kind: 'section_end', line });
    else marker = MARKER.exec(first)?.[1];
  }
  return [...steps, { kind: 'section_end', line: 0 }];
}

function chunksOf(lines: readonly string[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = lines[at] ?? '';
    const last = first === BEGIN ? END : first.startsWith(FENCE) ? FENCE : undefined;
    const end = last === undefined ? at : lines.indexOf(last, at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: ${first} has no end`);
    if (first !== '') chunks.push({ line: at + 1, lines: lines.slice(at, end + 1) });
    at = end;
  }
  return chunks;
}

function stepsOf({ line, language, marker, lines }: Block): Step[] {
  if (language === 'bash' && marker === undefined)
    return lines.map((command, index) => ({ kind: 'run', line: line + 1 + index, command }));
  if (language === 'bash' && marker === STAYS_UP) return [{ kind: 'stays_up', line, command: lines.join('\n') }];
  const edit = marker === undefined ? undefined : editOf(marker, `${lines.join('\n')}\n`);
  if (language === 'ts' && edit !== undefined) return [{ kind: 'edit', line, edit }];
  throw new Error(`line ${line}: nobody can follow a block of "${language}" with "${marker ?? 'nothing'}" before it`);
}

function editOf(marker: string, text: string): Edit | undefined {
  const file = CREATE.exec(marker)?.[1];
  if (file !== undefined) return { kind: 'create', file, text };
  const [, where, place = '', anchor = ''] = INSERT.exec(marker) ?? [];
  return where === 'before' || where === 'after' ? { kind: where, file: place, anchor, text } : undefined;
}

/**
 * The file after the edit; `before` is undefined when there is none.
 * @throws Error when the page does not fit the file
 */
export function edited(before: string | undefined, edit: Edit): string {
  if (edit.kind === 'create') {
    if (before !== undefined) throw new Error(`${edit.file} is there already`);
    return edit.text;
  }
  if (before === undefined) throw new Error(`${edit.file} is not there`);
  const lines = before.split('\n');
  const found = lines.flatMap((line, index) => (line.startsWith(edit.anchor) ? [index] : []));
  const [at] = found;
  if (at === undefined || found.length > 1)
    throw new Error(`${edit.file} has ${found.length} lines that begin with ${edit.anchor}`);
  lines.splice(edit.kind === 'before' ? at : at + 1, 0, edit.text.slice(0, -1));
  return lines.join('\n');
}
