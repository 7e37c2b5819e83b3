/** What the client knows of one operation. `pending`: it has not ended; whether it had an effect is open. */
export type OperationOutcome = 'pending' | 'ok' | 'refused';

/** One thing that a client wanted done once, whatever number of requests it took. Times are of `performance.now()`. */
export interface Operation {
  readonly kind: string;
  /** Idempotency key: unique in a history. */
  readonly key: string;
  readonly subject: string;
  readonly invokedAt: number;
  readonly outcome: OperationOutcome;
  readonly endedAt: number | undefined;
  readonly answer: unknown;
  /** Endings of its requests, in order: statuses, `refused`, `broken` … */
  readonly tries: readonly string[];
}

type Open = { -readonly [K in keyof Operation]: Operation[K] } & { tries: string[] };

/** Everything that clients did in a test and what they were told, to be compared with what the stores hold at the end. */
export class OperationHistory {
  readonly #operations = new Map<string, Open>();

  /** @throws Error for a key that was used before */
  begin(kind: string, key: string, subject: string): Operation {
    if (this.#operations.has(key)) throw new Error(`the key ${key} is in the history already`);
    const operation: Open = {
      kind,
      key,
      subject,
      invokedAt: performance.now(),
      outcome: 'pending',
      endedAt: undefined,
      answer: undefined,
      tries: [],
    };
    this.#operations.set(key, operation);
    return operation;
  }

  /** One request of the operation ended, without the operation being over. */
  tried(key: string, ending: string): void {
    this.#of(key).tries.push(ending);
  }

  end(key: string, outcome: 'ok' | 'refused', answer: unknown): void {
    Object.assign(this.#of(key), { outcome, answer, endedAt: performance.now() });
  }

  get all(): readonly Operation[] {
    return [...this.#operations.values()];
  }

  withOutcome(outcome: OperationOutcome): readonly Operation[] {
    return this.all.filter((operation) => operation.outcome === outcome);
  }

  /** The earliest success that was heard of at or after `at`. */
  firstOkAfter(at: number): Operation | undefined {
    const later = this.withOutcome('ok').filter(({ endedAt }) => endedAt !== undefined && endedAt >= at);
    return later.sort((one, other) => (one.endedAt ?? 0) - (other.endedAt ?? 0))[0];
  }

  /** Operations per outcome, and requests per ending. */
  counts(): { readonly operations: Record<string, number>; readonly requests: Record<string, number> } {
    return {
      operations: countBy(this.all.map(({ outcome }) => outcome)),
      requests: countBy(this.all.flatMap(({ tries }) => tries)),
    };
  }

  #of(key: string): Open {
    const operation = this.#operations.get(key);
    if (operation === undefined) throw new Error(`the key ${key} is not in the history`);
    return operation;
  }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
