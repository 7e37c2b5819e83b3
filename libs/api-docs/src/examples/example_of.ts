import { isJson, type Json } from '../json.ts';
import { FIELD_EXAMPLES, FORMAT_EXAMPLES } from './field_examples.ts';

/** Schemas within schemas; deeper ones are cut, because a schema may hold itself. */
const MAX_DEPTH = 16;
const PLACE = '#/components/schemas/';

/**
 * A value that fits a schema of the documents, always the same. Fields are filled by their name, then by format, then
 * with the least that fits. Whether it does fit is checked by the tests and when the documents are written.
 */
export function exampleOf(schema: unknown, components: Readonly<Record<string, Json>>, name = ''): unknown {
  return make(schema, { components, name, depth: 0 });
}

interface Place {
  readonly components: Readonly<Record<string, Json>>;
  /** Of the field that is filled. */
  readonly name: string;
  readonly depth: number;
}

function make(schema: unknown, place: Place): unknown {
  if (!isJson(schema) || place.depth > MAX_DEPTH) return {};
  if (Array.isArray(schema['examples'])) return schema['examples'][0];
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  const inner = { ...place, depth: place.depth + 1 };
  const { $ref } = schema;
  if (typeof $ref === 'string') return make(place.components[$ref.slice(PLACE.length)], inner);
  if (isScalarOrList(schema) && Object.hasOwn(FIELD_EXAMPLES, place.name)) return fitting(schema, inner);
  const options = [schema['allOf'], schema['oneOf'], schema['anyOf']].find((list) => Array.isArray(list));
  if (Array.isArray(options)) return make(options[0], inner);
  return plain(schema, inner);
}

const isScalarOrList = (schema: Json): boolean => typeof schema['type'] === 'string' && schema['type'] !== 'object';

/** The example of the field's name, where it is of the right type. */
function fitting(schema: Json, place: Place): unknown {
  const value = FIELD_EXAMPLES[place.name];
  const type = Array.isArray(value) ? 'array' : typeof value;
  const wanted = schema['type'] === 'integer' ? 'number' : schema['type'];
  return type === wanted ? value : plain(schema, place);
}

function plain(schema: Json, place: Place): unknown {
  switch (schema['type']) {
    case 'object':
      return objectOf(schema, place);
    case 'array':
      return [make(schema['items'], place)];
    case 'string':
      return textOf(schema);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return {};
  }
}

function objectOf({ properties }: Json, place: Place): Json {
  if (!isJson(properties)) return {};
  return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, make(field, { ...place, name })]));
}

function textOf({ format, minLength }: Json): string {
  if (typeof format === 'string' && Object.hasOwn(FORMAT_EXAMPLES, format)) return FORMAT_EXAMPLES[format] ?? '';
  return 'text'.padEnd(typeof minLength === 'number' ? minLength : 0, 't');
}

function numberOf({ minimum }: Json): number {
  return typeof minimum === 'number' && minimum > 0 ? minimum : 1;
}
