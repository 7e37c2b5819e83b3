import type { Json } from '../json_document.ts';
import { isSame, valuesOf } from './schema_parts.ts';

/** A word of a schema that one side has and the other does not keep to. */
export interface LimitMisfit {
  readonly keyword: string;
}

const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
/** Words that must be the same, because nobody can tell which of two patterns is the narrower one. */
const EQUAL = ['pattern', 'format', 'multipleOf', 'uniqueItems', 'contentEncoding', 'propertyNames'];

/** Words that are looked at elsewhere, or that limit nothing. */
const KNOWN = new Set([
  ...UPPER,
  ...LOWER,
  ...EQUAL,
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  'oneOf',
  'allOf',
  '$ref',
  'default',
  'title',
  'description',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
]);

/** The limits of `sup` that a value of `sub` may break. A list of values has no limits beside the list. */
export function limitMisfits(sub: Json, sup: Json): LimitMisfit[] {
  const isListed = valuesOf(sub) !== undefined;
  const limits = isListed ? [] : [...UPPER, ...LOWER, ...EQUAL].filter((keyword) => isBroken(keyword, sub, sup));
  const strange = Object.keys(sup).filter((keyword) => !KNOWN.has(keyword) && !keyword.startsWith('x-'));
  return [...limits, ...strange.filter((keyword) => !isSame(sub[keyword], sup[keyword]))].map((keyword) => ({
    keyword,
  }));
}

function isBroken(keyword: string, sub: Json, sup: Json): boolean {
  if (!Object.hasOwn(sup, keyword) || isEmptyLimit(keyword, sup[keyword])) return false;
  const [has, needs] = [sub[keyword], sup[keyword]];
  if (EQUAL.includes(keyword)) return !isSame(has, needs);
  if (typeof has !== 'number' || typeof needs !== 'number') return true;
  return UPPER.includes(keyword) ? has > needs : has < needs;
}

/** Says nothing that is not so anyway. */
function isEmptyLimit(keyword: string, value: unknown): boolean {
  if (keyword === 'minLength' || keyword === 'minItems' || keyword === 'minProperties') return value === 0;
  if (keyword === 'uniqueItems') return value === false;
  if (keyword === 'propertyNames') return isSame(value, { type: 'string' });
  return false;
}
