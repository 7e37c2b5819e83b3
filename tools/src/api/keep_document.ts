import fs from 'node:fs';
import path from 'node:path';
import type { Compare } from './changes/api_change.ts';
import { decide } from './changes/decide.ts';
import { baselinesOf } from './changes/git_baseline.ts';
import { type Json, recordOf } from './json_document.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');

/** A document that is made from the contracts and committed. */
export interface KeptDocument {
  /** From the root: `docs/api/openapi.json`. */
  readonly file: string;
  readonly document: object;
  /** What the official schema has against it. */
  readonly problemsOf: (document: Json) => readonly string[];
  readonly compare: Compare<Json>;
}

/**
 * Writes the document, or with `--check` says whether the committed one is it. Neither passes over a change that breaks
 * somebody and that the changelog does not name. @returns the exit code
 */
export function keepDocument({ file, document, problemsOf, compare }: KeptDocument, args: readonly string[]): number {
  const target = path.join(ROOT, file);
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const problems = problemsOf(recordOf(JSON.parse(text)));
  if (problems.length > 0)
    return told(
      problems.map((problem) => `${file}: ${problem}`),
      1,
    );
  const situation = {
    file,
    text,
    onDisk: textAt(target),
    committed: baselinesOf(ROOT, file),
    changelog: textAt(path.join(ROOT, 'CHANGELOG.md')) ?? '',
    check: args.includes('--check'),
    accept: args.includes('--accept-breaking'),
  };
  const { ok, write, lines } = decide(situation, compare);
  if (write) {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  }
  return told(lines, ok ? 0 : 1);
}

const textAt = (file: string): string | undefined => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined);

function told(lines: readonly string[], code: number): number {
  for (const line of lines) process.stderr.write(`${line}\n`);
  return code;
}
