import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';

/** One command of a transcript and what it has to print. */
interface Step {
  readonly command: string;
  /** Line of the command's block in the document, 1-based. */
  readonly line: number;
  /** `text`: line by line. `json`: one JSON value, however it is laid out. `none`: nothing is printed. */
  readonly form: 'text' | 'json' | 'none';
  readonly expected: string;
}

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

const BEGIN = '<!-- transcript:begin -->';
const END = '<!-- transcript:end -->';
/** Stands in expected output for anything that differs from run to run; never for nothing. */
const ANYTHING = '…';
const STEP_TIMEOUT_MS = 60_000;

/** The steps of a document: between its markers each bash block, with the text or json block that follows it. */
export function readTranscript(markdown: string): Step[] {
  const steps: Step[] = [];
  const blocks = blocksOf(markdown);
  for (const [index, block] of blocks.entries()) {
    if (block.language !== 'bash') continue;
    const next = blocks[index + 1];
    const form = next?.language === 'text' || next?.language === 'json' ? next.language : 'none';
    steps.push({ command: block.text, line: block.line, form, expected: form === 'none' ? '' : (next?.text ?? '') });
  }
  return steps;
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let inside = false;
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (line === BEGIN) inside = true;
    else if (line === END) inside = false;
    else if (!inside) continue;
    else if (open === undefined)
      open = line.startsWith('```') ? { language: line.slice(3), line: index + 1, lines: [] } : open;
    else if (line === '```') {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/**
 * Runs all commands in one bash, as a reader would paste them, and resolves to what each printed.
 * @throws Error with the step at which bash ended, and what it said
 */
export async function runTranscript(steps: readonly Step[], env: Readonly<Record<string, string>>): Promise<string[]> {
  const mark = `--- ${randomUUID()}`;
  const script = ['set -euo pipefail', ...steps.flatMap(({ command }) => [command, `echo; echo '${mark}'`])].join('\n');
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('bash', ['-c', script], {
    // the Node that runs the tests, whatever else is installed
    env: { HOME, ...env, PATH: `${path.dirname(process.execPath)}:${PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: STEP_TIMEOUT_MS,
  });
  let printed = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  const outputs = printed.split(`\n${mark}\n`).slice(0, -1);
  if (code === 0) return outputs.map((output) => output.replace(/\n$/, ''));
  throw new Error(
    `line ${steps[outputs.length]?.line}: bash ended with ${code}: ${complaint}\n${printed.slice(-2_000)}`,
  );
}

/** Why a step's output is not what the document says; undefined when it is. */
export function differenceOf(step: Step, output: string): string | undefined {
  const fits = step.form === 'json' ? jsonFits(step.expected, output) : linesFit(step.expected, output);
  return fits
    ? undefined
    : `line ${step.line}: the document says\n${step.expected}\nbut the command printed\n${output}`;
}

function linesFit(expected: string, output: string): boolean {
  const [wanted, got] = [expected.split('\n'), output.split('\n')];
  return wanted.length === got.length && wanted.every((line, index) => textFits(line, got[index] ?? ''));
}

function jsonFits(expected: string, output: string): boolean {
  try {
    return valueFits(JSON.parse(expected), JSON.parse(output));
  } catch {
    return false;
  }
}

function valueFits(expected: unknown, actual: unknown): boolean {
  if (expected === ANYTHING) return actual !== null && actual !== '';
  if (typeof expected === 'string') return typeof actual === 'string' && textFits(expected, actual);
  const [wanted, got] = [entriesOf(expected), entriesOf(actual)];
  if (wanted === undefined || got === undefined) return expected === actual;
  if (Array.isArray(expected) !== Array.isArray(actual) || wanted.size !== got.size) return false;
  return [...wanted].every(([key, value]) => got.has(key) && valueFits(value, got.get(key)));
}

const entriesOf = (value: unknown): ReadonlyMap<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;

function textFits(expected: string, actual: string): boolean {
  const pattern = expected.split(ANYTHING).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('[^"]+')}$`).test(actual);
}
