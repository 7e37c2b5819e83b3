import type { Json } from '../json_document.ts';
import { type Direction, type Misfit, misfits } from './schema_misfits.ts';
import { type SchemaAt, typesOf, valuesOf } from './schema_parts.ts';

/** One breaking difference of a schema. */
export interface SchemaChange {
  /** The field; empty for the whole. */
  readonly field: string;
  /** `field "login" is required now`. */
  readonly what: string;
}

/**
 * What breaks when a schema becomes another. What we take (requests) must still be taken; what we give (replies, events)
 * must still be what was promised.
 */
export function schemaChanges(before: SchemaAt, after: SchemaAt, direction: Direction): SchemaChange[] {
  const [sub, sup] = direction === 'taken' ? [before, after] : [after, before];
  return misfits(sub, sup, direction).map((misfit) => ({
    field: misfit.path,
    what: `${misfit.path === '' ? 'the whole' : `field "${misfit.path}"`} ${WORDS[direction][misfit.rule](misfit)}`,
  }));
}

type Words = Readonly<Record<Misfit['rule'], (misfit: Misfit) => string>>;

const WORDS: Readonly<Record<Direction, Words>> = {
  taken: {
    type: ({ sub, sup }) => `must be ${typeWords(sup)}, not ${typeWords(sub)}`,
    values: ({ sub, sup }) => `takes no ${missing(sub, sup)} any more`,
    limit: ({ keyword = '', sub, sup }) => `is narrower: ${limitWords(keyword, sub, sup)}`,
    required: () => 'is required now',
    absent: () => 'is gone',
    unnamed: () => 'is not read any more',
    closed: ({ path }) => (path === '' ? 'takes no fields any more that are not listed' : 'is refused now'),
    default: ({ sub, sup }) => `means ${json(sup['default'])} instead of ${json(sub['default'])} where it is left out`,
  },
  given: {
    type: ({ sub, sup }) => `may be ${typeWords(sub)}, it was ${typeWords(sup)}`,
    values: ({ sub, sup }) => `may be ${missing(sub, sup)}, which nobody expects`,
    limit: ({ keyword = '', sub, sup }) => `is looser: ${limitWords(keyword, sup, sub)}`,
    required: () => 'may be absent now',
    absent: () => 'is gone',
    unnamed: () => 'is new',
    closed: ({ path }) =>
      path === '' ? 'may hold fields that are not listed' : 'is new where no other fields were promised',
    default: () => 'has another default',
  },
};

const json = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));

const typeWords = (schema: Json): string => typesOf(schema).join(' or ');

/** Values of one side that the other does not have. */
function missing(sub: Json, sup: Json): string {
  const known = (valuesOf(sup) ?? []).map(json);
  const values = valuesOf(sub)
    ?.map(json)
    .filter((value) => !known.includes(value));
  return values === undefined ? `other ${typeWords(sub)} than ${known.join(', ')}` : values.join(', ');
}

const limitWords = (keyword: string, from: Json, to: Json): string =>
  `${keyword} ${json(to[keyword])}, it was ${json(from[keyword])}`;
