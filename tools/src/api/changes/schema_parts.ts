import { isRecord, type Json, listOf, pointerTo, recordOf } from '../json_document.ts';

/** A schema and the document in which its references lead somewhere. */
export interface SchemaAt {
  readonly schema: unknown;
  readonly document: Json;
}

/** References that are followed one after the other. */
const MAX_HOPS = 16;

/** The schema behind a reference, with the words that stand beside the reference, and `allOf` merged into one. */
export function resolved({ schema, document }: SchemaAt, hops = MAX_HOPS): Json {
  const own = recordOf(schema);
  const { $ref, allOf, ...rest } = own;
  if (hops === 0) return rest;
  const parts = [...(typeof $ref === 'string' ? [pointerTo(document, $ref)] : []), ...listOf(allOf)].map((part) =>
    resolved({ schema: part, document }, hops - 1),
  );
  return parts.length === 0 ? rest : [...parts, rest].reduce(merged, {});
}

function merged(a: Json, b: Json): Json {
  const properties = { ...recordOf(a['properties']), ...recordOf(b['properties']) };
  const required = [...listOf(a['required']), ...listOf(b['required'])];
  return {
    ...a,
    ...b,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required: [...new Set(required)] }),
  };
}

/** The alternatives of a schema that has any, else the schema itself. */
export function optionsOf({ schema, document }: SchemaAt): SchemaAt[] {
  const whole = resolved({ schema, document });
  const options = [...listOf(whole['anyOf']), ...listOf(whole['oneOf'])];
  if (options.length === 0) return [{ schema: whole, document }];
  return options.flatMap((option) => optionsOf({ schema: option, document }));
}

/** The values of `enum` or `const`; undefined where any value of the type may stand. */
export function valuesOf(schema: Json): readonly unknown[] | undefined {
  if ('const' in schema) return [schema['const']];
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined;
}

const ALL_TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];

/** The types of values that a schema allows. */
export function typesOf(schema: Json): readonly string[] {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type.map(String);
  const values = valuesOf(schema);
  return values === undefined ? ALL_TYPES : [...new Set(values.map(typeOfValue))];
}

function typeOfValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

export const includesType = (types: readonly string[], type: string): boolean =>
  types.includes(type) || (type === 'integer' && types.includes('number'));

export const propertiesOf = (schema: Json): Json => recordOf(schema['properties']);

export const isRequired = (schema: Json, name: string): boolean => listOf(schema['required']).includes(name);

/** Whether fields that the schema does not name may be there. */
export const isClosed = (schema: Json): boolean => schema['additionalProperties'] === false;

/** The schema of fields that are not named, where there is one. */
export function otherFields({ schema, document }: SchemaAt): SchemaAt | undefined {
  const { additionalProperties } = recordOf(schema);
  const isOne = isRecord(additionalProperties) && Object.keys(additionalProperties).length > 0;
  return isOne ? { schema: additionalProperties, document } : undefined;
}

/** Whether two parts of documents say the same, whatever the order of their words. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, index) => isSame(one, b[index]));
  if (!isRecord(a) || !isRecord(b)) return Object.is(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}
