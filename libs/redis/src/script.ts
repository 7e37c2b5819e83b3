/** A Lua script with the types of its call. It runs atomically on the server, which keeps it by its digest. */
export interface Script<Reply> {
  readonly name: string;
  readonly lua: string;
  /** Number of keys; the prefix of the client is put before each. */
  readonly keys: number;
  /** Checks and shapes the raw answer; throws when it is not what the script promises. */
  readonly parse: (raw: unknown) => Reply;
}

const NAME = /^[a-z][A-Za-z0-9]{1,63}$/;

/** Declares a script once, at module level. `name` is camelCase and starts with the domain: `allocatorClaimSlot`. */
export function defineScript<Reply>(script: Script<Reply>): Script<Reply> {
  if (!NAME.test(script.name)) throw new TypeError(`script "${script.name}" needs a camelCase name`);
  return Object.freeze({ ...script });
}

/** Parser for scripts that answer with an array of integers. */
export function integers(raw: unknown, length: number): readonly number[] {
  const values: readonly unknown[] = Array.isArray(raw) ? raw : [];
  const numbers = values.filter((value): value is number => typeof value === 'number');
  if (numbers.length !== length || values.length !== length) {
    throw new TypeError(`the script answered ${JSON.stringify(raw)} instead of ${length} integers`);
  }
  return numbers;
}
