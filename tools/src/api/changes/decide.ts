import { isRecord, type Json } from '../json_document.ts';
import { unacceptedChanges } from './accepted_changes.ts';
import type { ApiChange, Compare } from './api_change.ts';
import { changeReport } from './change_report.ts';
import type { Baseline, Baselines } from './git_baseline.ts';

export interface Situation {
  /** From the root: `docs/api/openapi.json`. */
  readonly file: string;
  /** The document as the contracts make it now. */
  readonly text: string;
  /** The file as it is; undefined where there is none. */
  readonly onDisk: string | undefined;
  readonly committed: Baselines;
  readonly changelog: string;
  /** Only look, or write. */
  readonly check: boolean;
  /** The person at the terminal means it. */
  readonly accept: boolean;
}

export interface Verdict {
  readonly ok: boolean;
  readonly write: boolean;
  readonly lines: readonly string[];
}

/** Whether a document may become what the contracts make of it now. */
export function decide(situation: Situation, compare: Compare<Json>): Verdict {
  const { file, text, onDisk, committed, changelog, check, accept } = situation;
  const disk = onDisk === undefined ? [] : [{ label: 'the file as it is', text: onDisk }];
  const baselines = committed.found.length > 0 ? committed.found : disk;
  const notes = noteOf(situation, baselines);
  const now = parsed(text);
  const refusals = baselines.flatMap((baseline) => {
    const open = unacceptedChanges(changesSince(baseline, now, compare), changelog);
    return open.length === 0 ? [] : [changeReport(file, baseline.label, open)];
  });
  const isSame = onDisk === text;
  const stale = `${file} differs from the contracts: run \`npm run check -- --fix\``;
  const [refusal] = refusals;
  if (refusal !== undefined)
    return { ok: false, write: false, lines: [...notes, ...refusal, ...(check && !isSame ? [stale] : [])] };
  const isBreaking = disk.some((baseline) => changesSince(baseline, now, compare).length > 0);
  if (isBreaking && !accept)
    return {
      ok: false,
      write: false,
      lines: [
        ...notes,
        `${file}: CHANGELOG.md accepts the breaking changes: run \`npm run check -- --fix --accept-breaking\``,
      ],
    };
  if (check) return { ok: isSame, write: false, lines: isSame ? notes : [...notes, stale] };
  return { ok: true, write: !isSame, lines: notes };
}

function noteOf({ file, committed }: Situation, baselines: readonly Baseline[]): string[] {
  if (committed.note === undefined) return [];
  const against = baselines.map(({ label }) => label).join(', ') || 'nothing';
  return [`${file}: ${committed.note}; breaking changes are looked for against ${against}`];
}

function changesSince({ text }: Baseline, now: Json, compare: Compare<Json>): readonly ApiChange[] {
  const before = parsed(text);
  return Object.keys(before).length === 0 ? [] : compare(before, now);
}

/** A version that is no document has nothing to rely on. */
function parsed(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
