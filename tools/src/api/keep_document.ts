import fs from 'node:fs';
import path from 'node:path';
import { type Json, recordOf } from './json_document.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');

/** A document that is made from the contracts and committed. */
export interface KeptDocument {
  /** From the root: `docs/api/openapi.json`. */
  readonly file: string;
  readonly document: object;
  /** What the official schema has against it. */
  readonly problemsOf: (document: Json) => readonly string[];
}

/** Writes the document, or with `--check` says whether the committed one is it. @returns the exit code */
export function keepDocument({ file, document, problemsOf }: KeptDocument, args: readonly string[]): number {
  const target = path.join(ROOT, file);
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const problems = problemsOf(recordOf(JSON.parse(text)));
  if (problems.length > 0) return refuse(problems.map((problem) => `${file}: ${problem}`));
  if (!args.includes('--check')) {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
    return 0;
  }
  if (fs.existsSync(target) && fs.readFileSync(target, 'utf8') === text) return 0;
  return refuse([`${file} differs from the contracts: run \`npm run check -- --fix\``]);
}

function refuse(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`);
  return 1;
}
