import type { HistoryEvent } from '../history/history.ts';
import { type Story, storiesOf } from '../history/stories.ts';

/** Histories for the tests of the checkers, written as what happened: one line per attempt. */
export interface PlantedAttempt {
  readonly process?: string;
  readonly op: string;
  readonly key: string;
  readonly from: number;
  readonly to?: number;
  readonly ok?: unknown;
  readonly fail?: string;
  readonly refused?: string;
  readonly info?: string;
}

export function planted(attempts: readonly PlantedAttempt[]): HistoryEvent[] {
  const counts = new Map<string, number>();
  const events = attempts.flatMap((attempt): HistoryEvent[] => {
    const { process = 'p', op, key, from, to } = attempt;
    const number = (counts.get(key) ?? 0) + 1;
    counts.set(key, number);
    const base = { process, op, key, attempt: number };
    const invoke: HistoryEvent = { ...base, type: 'invoke', t_mono: from, value: undefined };
    return to === undefined ? [invoke] : [invoke, { ...base, ...endOf(attempt), t_mono: to }];
  });
  return events.sort((a, b) => a.t_mono - b.t_mono);
}

export const plantedStories = (attempts: readonly PlantedAttempt[]): Story[] => [
  ...storiesOf(planted(attempts)).values(),
];

function endOf({ ok, fail, refused, info }: PlantedAttempt): Pick<HistoryEvent, 'type' | 'code' | 'refused' | 'value'> {
  if (ok !== undefined) return { type: 'ok', value: ok };
  const code = refused ?? fail;
  if (code !== undefined) return { type: 'fail', code, refused: refused !== undefined, value: undefined };
  return { type: 'info', code: info ?? 'SERVICE_TIMEOUT', value: undefined };
}
