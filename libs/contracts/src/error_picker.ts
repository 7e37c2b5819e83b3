import type { ContractErrors } from './contract.ts';

/** `pick('A', 'B')` is the part of an error table that one contract can end in. */
export const errorPicker =
  <T extends ContractErrors>(table: T) =>
  <K extends keyof T & string>(...codes: readonly K[]): Pick<T, K> => {
    const picked: Partial<T> = {};
    for (const code of codes) picked[code] = table[code];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every code in the type was copied above
    return picked as Pick<T, K>;
  };
