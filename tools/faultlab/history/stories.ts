import type { HistoryEvent } from './history.ts';

/** Everything that happened under one key. */
export interface Story {
  readonly key: string;
  readonly op: string;
  readonly process: string;
  readonly invokedAt: number;
  /** When the first answer came that says what became of it; undefined while nobody knows. */
  readonly knownAt: number | undefined;
  /** Values of all answers that say that it was done. */
  readonly values: readonly unknown[];
  /** Codes of final refusals. */
  readonly refusals: readonly string[];
  /** Attempts that were answered: not done. */
  readonly fails: number;
  /** Attempts of which nobody knows. */
  readonly unknowns: number;
  readonly attempts: number;
}

interface Draft {
  key: string;
  op: string;
  process: string;
  invokedAt: number;
  knownAt: number | undefined;
  values: unknown[];
  refusals: string[];
  fails: number;
  unknowns: number;
  attempts: number;
}

/** Groups a history by key. An attempt without an end counts as unknown. */
export function storiesOf(history: readonly HistoryEvent[]): Map<string, Story> {
  const drafts = new Map<string, Draft>();
  for (const event of history) {
    let draft = drafts.get(event.key);
    if (draft === undefined) {
      draft = begin(event);
      drafts.set(event.key, draft);
    }
    tell(draft, event);
  }
  for (const draft of drafts.values()) {
    const ended = draft.values.length + draft.refusals.length + draft.fails + draft.unknowns;
    draft.unknowns += draft.attempts - ended;
  }
  return drafts;
}

function begin({ key, op, process, t_mono: invokedAt }: HistoryEvent): Draft {
  return {
    key,
    op,
    process,
    invokedAt,
    knownAt: undefined,
    values: [],
    refusals: [],
    fails: 0,
    unknowns: 0,
    attempts: 0,
  };
}

function tell(draft: Draft, event: HistoryEvent): void {
  if (event.type === 'invoke') draft.attempts += 1;
  else if (event.type === 'info') draft.unknowns += 1;
  else if (event.type === 'ok') draft.values.push(event.value);
  else if (event.refused === true) draft.refusals.push(event.code ?? 'unnamed');
  else draft.fails += 1;
  const isKnown = event.type === 'ok' || event.refused === true;
  if (isKnown) draft.knownAt ??= event.t_mono;
}

/** Somebody was told that it was done. */
export const isAcknowledged = (story: Story): boolean => story.values.length > 0;

/** Whatever was answered says that nothing was done. */
export const isDenied = (story: Story): boolean => story.values.length === 0 && story.unknowns === 0;

/** It may have been done or not. */
export const isOpen = (story: Story): boolean =>
  story.values.length === 0 && story.refusals.length === 0 && story.unknowns > 0;
