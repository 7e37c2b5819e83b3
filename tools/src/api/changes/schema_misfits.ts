import type { Json } from '../json_document.ts';
import { limitMisfits } from './schema_limits.ts';
import {
  includesType,
  isClosed,
  isRequired,
  isSame,
  optionsOf,
  otherFields,
  propertiesOf,
  resolved,
  type SchemaAt,
  typesOf,
  valuesOf,
} from './schema_parts.ts';

/** Whether we read what the schema describes, or write it. */
export type Direction = 'taken' | 'given';

/** Why a value that one schema allows is not one that the other allows. */
export interface Misfit {
  /** Of the field: `settings.resource_level`, `players[].slot`; empty for the whole. */
  readonly path: string;
  readonly rule: 'type' | 'values' | 'limit' | 'required' | 'absent' | 'unnamed' | 'closed' | 'default';
  /** Of `limit`. */
  readonly keyword?: string;
  readonly sub: Json;
  readonly sup: Json;
}

/** Schemas within schemas; one that holds itself is compared that far. */
const MAX_DEPTH = 12;

interface Place {
  readonly direction: Direction;
  readonly path: string;
  readonly depth: number;
}

/**
 * Where a value of `sub` would not be one of `sup`. Errs on the side of a finding: what cannot be judged is one.
 * `direction` decides about fields that only one side names: new fields of a reply are welcome, and so are new fields of
 * a request that may be left out.
 */
export function misfits(sub: SchemaAt, sup: SchemaAt, direction: Direction): Misfit[] {
  return compare(sub, sup, { direction, path: '', depth: MAX_DEPTH });
}

function compare(sub: SchemaAt, sup: SchemaAt, place: Place): Misfit[] {
  if (place.depth === 0) return [];
  const below = { ...place, depth: place.depth - 1 };
  const wider = optionsOf(sup);
  const found = optionsOf(sub).flatMap((option) => bestFit(option, wider, below));
  return unique([...found, ...defaultMisfits(resolved(sub), resolved(sup), place)]);
}

/** What is wrong with an option in the alternative that comes closest to it. */
function bestFit(option: SchemaAt, wider: readonly SchemaAt[], place: Place): Misfit[] {
  const tries = wider.map((one) => plain(option, one, place));
  return tries.reduce((best, one) => (distance(one, place) < distance(best, place) ? one : best));
}

/** A difference of the whole or of a constant field says that another alternative is meant. */
function distance(found: readonly Misfit[], { path }: Place): number {
  const far = found.filter(
    ({ rule, path: at, sub }) => (rule === 'type' && at === path) || (rule === 'values' && 'const' in sub),
  );
  return found.length + far.length * 1_000;
}

function plain(sub: SchemaAt, sup: SchemaAt, place: Place): Misfit[] {
  const [a, b] = [resolved(sub), resolved(sup)];
  const at = { path: place.path, sub: a, sup: b };
  const types = typesOf(b);
  if (typesOf(a).some((type) => !includesType(types, type))) return [{ ...at, rule: 'type' }];
  const allowed = valuesOf(b);
  if (
    allowed !== undefined &&
    !(valuesOf(a)?.every((value) => allowed.some((other) => isSame(value, other))) ?? false)
  ) {
    return [{ ...at, rule: 'values' }];
  }
  return [
    ...limitMisfits(a, b).map(({ keyword }): Misfit => ({ ...at, rule: 'limit', keyword })),
    ...itemMisfits({ schema: a, document: sub.document }, { schema: b, document: sup.document }, place),
    ...fieldMisfits({ schema: a, document: sub.document }, { schema: b, document: sup.document }, place),
  ];
}

function itemMisfits(sub: SchemaAt, sup: SchemaAt, place: Place): Misfit[] {
  const [a, b] = [resolved(sub)['items'], resolved(sup)['items']];
  if (b === undefined || !includesType(typesOf(resolved(sub)), 'array')) return [];
  const items = { ...place, path: `${place.path}[]` };
  return compare({ schema: a ?? {}, document: sub.document }, { schema: b, document: sup.document }, items);
}

function fieldMisfits(sub: SchemaAt, sup: SchemaAt, place: Place): Misfit[] {
  const [a, b] = [resolved(sub), resolved(sup)];
  const [fieldsOfA, fieldsOfB] = [propertiesOf(a), propertiesOf(b)];
  const at = (name: string): Place => ({ ...place, path: place.path === '' ? name : `${place.path}.${name}` });
  const known = Object.keys(fieldsOfB).flatMap((name) => {
    const own: SchemaAt = { schema: fieldsOfA[name], document: sub.document };
    const other: SchemaAt = { schema: fieldsOfB[name], document: sup.document };
    const sides = { path: at(name).path, sub: resolved(own), sup: resolved(other) };
    if (!Object.hasOwn(fieldsOfA, name)) return unnamedBySub(sides, isRequired(b, name), place.direction);
    const must = isRequired(b, name) && !isRequired(a, name) ? [{ ...sides, rule: 'required' } as const] : [];
    return [...must, ...compare(own, other, at(name))];
  });
  const strange = Object.keys(fieldsOfA).filter((name) => !Object.hasOwn(fieldsOfB, name));
  const extra = strange.flatMap((name) => unnamedBySup(resolvedField(fieldsOfA[name], sub), at(name), b));
  return [...known, ...extra, ...otherMisfits(sub, sup, place)];
}

const resolvedField = (schema: unknown, { document }: SchemaAt): Json => resolved({ schema, document });

type Sides = Pick<Misfit, 'path' | 'sub' | 'sup'>;

/** `sup` has a field that `sub` has not. */
function unnamedBySub(sides: Sides, required: boolean, direction: Direction): Misfit[] {
  if (direction === 'given') return [{ ...sides, rule: 'absent' }];
  return required ? [{ ...sides, rule: 'required' }] : [];
}

/** `sub` has a field that `sup` has not. */
function unnamedBySup(sub: Json, { path, direction }: Place, sup: Json): Misfit[] {
  if (isClosed(sup)) return [{ path, rule: 'closed', sub, sup: {} }];
  // what takes anything names nothing, and may read all of it
  return direction === 'taken' && 'properties' in sup ? [{ path, rule: 'unnamed', sub, sup: {} }] : [];
}

/** Fields that neither side names. */
function otherMisfits(sub: SchemaAt, sup: SchemaAt, place: Place): Misfit[] {
  const [a, b] = [resolved(sub), resolved(sup)];
  if (!includesType(typesOf(a), 'object') || isClosed(a)) return [];
  if (isClosed(b)) return [{ path: place.path, rule: 'closed', sub: a, sup: b }];
  const needs = otherFields({ schema: b, document: sup.document });
  const has = otherFields({ schema: a, document: sub.document }) ?? { schema: {}, document: sub.document };
  return needs === undefined ? [] : compare(has, needs, { ...place, path: `${place.path}.*` });
}

/** What is left out means something else: the request is the same and does another thing. */
function defaultMisfits(sub: Json, sup: Json, { direction, path }: Place): Misfit[] {
  const isOther = 'default' in sub && 'default' in sup && !isSame(sub['default'], sup['default']);
  return direction === 'taken' && isOther ? [{ path, rule: 'default', sub, sup }] : [];
}

function unique(found: readonly Misfit[]): Misfit[] {
  const byName = new Map(found.map((one) => [`${one.path} ${one.rule} ${one.keyword ?? ''}`, one]));
  return [...byName.values()];
}
