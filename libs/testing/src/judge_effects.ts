import type { Operation } from './operation_history.ts';

/** What a history and the stores disagree about, as keys. All empty: nothing lost, nothing twice, nothing invented. */
export interface EffectVerdict {
  /** Acknowledged, and no effect is there. */
  readonly lost: readonly string[];
  /** More than one effect. */
  readonly doubled: readonly string[];
  /** An effect that nobody asked for, or that was refused. */
  readonly phantoms: readonly string[];
}

/**
 * Compares operations with the effects found in the stores (the key of each, as often as it is there). One that is pending may
 * have its effect or not, but never twice.
 */
export function judgeEffects(operations: readonly Operation[], effects: readonly string[]): EffectVerdict {
  const found = new Map<string, number>();
  for (const key of effects) found.set(key, (found.get(key) ?? 0) + 1);
  const outcomes = new Map(operations.map(({ key, outcome }) => [key, outcome]));
  const isPhantom = (key: string): boolean => {
    const outcome = outcomes.get(key);
    return outcome === undefined || outcome === 'refused';
  };
  return {
    lost: operations.filter(({ key, outcome }) => outcome === 'ok' && !found.has(key)).map(({ key }) => key),
    doubled: [...found].filter(([, count]) => count > 1).map(([key]) => key),
    phantoms: [...found.keys()].filter(isPhantom),
  };
}
