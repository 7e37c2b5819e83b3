import { expect, test } from 'vitest';
import type { Json } from '../json_document.ts';
import { schemaChanges } from './schema_changes.ts';

const DOCUMENT: Json = {
  components: {
    schemas: {
      Id: { type: 'string', format: 'uuid' },
      Short: { type: 'string', maxLength: 5 },
      Long: { type: 'string', maxLength: 50 },
    },
  },
};
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const text = { type: 'string' } as const;
const object = (properties: Json, required: readonly string[] = Object.keys(properties), more: Json = {}): Json => ({
  type: 'object',
  properties,
  required,
  ...more,
});
const CLOSED = { additionalProperties: false };
const nullable = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] });

type Row = readonly [what: string, before: Json, after: Json, found: readonly string[]];

const found = (before: Json, after: Json, direction: 'taken' | 'given'): string[] =>
  schemaChanges({ schema: before, document: DOCUMENT }, { schema: after, document: DOCUMENT }, direction).map(
    ({ what }) => what,
  );

test.for<Row>([
  ['a new required field', object({ a: text }), object({ a: text, b: text }), ['field "b" is required now']],
  ['a field that becomes required', object({ a: text }, []), object({ a: text }), ['field "a" is required now']],
  [
    'a required field deep inside',
    object({ list: { type: 'array', items: object({ a: text }) } }),
    object({ list: { type: 'array', items: object({ a: text, b: text }) } }),
    ['field "list[].b" is required now'],
  ],
  [
    'a field that is not listed any more where others are refused',
    object({ a: text, b: text }, [], CLOSED),
    object({ a: text }, [], CLOSED),
    ['field "b" is refused now'],
  ],
  [
    'a field that is not listed any more where others are ignored',
    object({ a: text, b: text }, []),
    object({ a: text }, []),
    ['field "b" is not read any more'],
  ],
  [
    'a schema that refuses other fields from now on',
    object({ a: text }),
    object({ a: text }, ['a'], CLOSED),
    ['the whole takes no fields any more that are not listed'],
  ],
  ['another type', object({ a: text }), object({ a: { type: 'integer' } }), ['field "a" must be integer, not string']],
  ['a number that must be whole', { type: 'number' }, { type: 'integer' }, ['the whole must be integer, not number']],
  [
    'null that is not taken any more',
    object({ a: nullable(text) }),
    object({ a: text }),
    ['field "a" must be string, not null'],
  ],
  ['fewer values', { enum: ['x', 'y', 'z'] }, { enum: ['x'] }, ['the whole takes no "y", "z" any more']],
  [
    'a list of values where there was none',
    text,
    { ...text, enum: ['x'] },
    ['the whole takes no other string than "x" any more'],
  ],
  ['another constant', { const: 1 }, { const: 2 }, ['the whole takes no 1 any more']],
  [
    'a shorter text',
    { ...text, maxLength: 64 },
    { ...text, maxLength: 32 },
    ['the whole is narrower: maxLength 32, it was 64'],
  ],
  [
    'a limit where there was none',
    text,
    { ...text, maxLength: 9 },
    ['the whole is narrower: maxLength 9, it was none'],
  ],
  [
    'a longer least text',
    { ...text, minLength: 1 },
    { ...text, minLength: 3 },
    ['the whole is narrower: minLength 3, it was 1'],
  ],
  [
    'a smaller number',
    { type: 'integer', minimum: 0, maximum: 9 },
    { type: 'integer', minimum: 1, maximum: 8 },
    ['the whole is narrower: maximum 8, it was 9', 'the whole is narrower: minimum 1, it was 0'],
  ],
  [
    'fewer entries',
    { type: 'array', maxItems: 9 },
    { type: 'array', maxItems: 8 },
    ['the whole is narrower: maxItems 8, it was 9'],
  ],
  [
    'another pattern',
    { ...text, pattern: 'a' },
    { ...text, pattern: 'b' },
    ['the whole is narrower: pattern "b", it was "a"'],
  ],
  ['a format where there was none', text, ref('Id'), ['the whole is narrower: format "uuid", it was none']],
  ['a limit behind a reference', ref('Long'), ref('Short'), ['the whole is narrower: maxLength 5, it was 50']],
  [
    'an alternative less',
    { oneOf: [object({ k: { const: 'a' }, n: text }), object({ k: { const: 'b' } })] },
    { oneOf: [object({ k: { const: 'a' }, n: text })] },
    ['field "k" takes no "b" any more', 'field "n" is required now'],
  ],
  [
    'an alternative that needs more',
    { oneOf: [object({ k: { const: 'a' } }), object({ k: { const: 'b' } })] },
    { oneOf: [object({ k: { const: 'a' } }), object({ k: { const: 'b' }, n: text })] },
    ['field "n" is required now'],
  ],
  [
    'another meaning of what is left out',
    object({ a: { ...text, default: 'x' } }, []),
    object({ a: { ...text, default: 'y' } }, []),
    ['field "a" means "y" instead of "x" where it is left out'],
  ],
  [
    'narrower values of a map',
    { type: 'object', additionalProperties: text },
    { type: 'object', additionalProperties: ref('Short') },
    ['field ".*" is narrower: maxLength 5, it was none'],
  ],
  [
    'a word that this check does not know',
    text,
    { ...text, contains: {} },
    ['the whole is narrower: contains {}, it was none'],
  ],
])('%s breaks those who send it', ([, before, after, changes]) => {
  expect(found(before, after, 'taken')).toEqual(changes);
});

test.for<Row>([
  ['a field that is gone', object({ a: text, b: text }), object({ a: text }), ['field "b" is gone']],
  ['a field that is gone and was not always there', object({ b: text }, []), object({}), ['field "b" is gone']],
  ['a field that may be absent now', object({ a: text }), object({ a: text }, []), ['field "a" may be absent now']],
  [
    'a field that may be null now',
    object({ a: text }),
    object({ a: nullable(text) }),
    ['field "a" may be null, it was string'],
  ],
  [
    'another type',
    object({ a: text }),
    object({ a: { type: 'integer' } }),
    ['field "a" may be integer, it was string'],
  ],
  [
    'a whole number that may be broken',
    { type: 'integer' },
    { type: 'number' },
    ['the whole may be number, it was integer'],
  ],
  ['a new value', { enum: ['x'] }, { enum: ['x', 'y'] }, ['the whole may be "y", which nobody expects']],
  [
    'any value where they were listed',
    { ...text, enum: ['x'] },
    text,
    ['the whole may be other string than "x", which nobody expects'],
  ],
  [
    'a longer text',
    { ...text, maxLength: 5 },
    { ...text, maxLength: 9 },
    ['the whole is looser: maxLength 9, it was 5'],
  ],
  ['a limit that is gone', ref('Short'), text, ['the whole is looser: maxLength none, it was 5']],
  ['a format that is gone', ref('Id'), text, ['the whole is looser: format none, it was "uuid"']],
  [
    'a new alternative',
    { oneOf: [object({ ok: { const: true } })] },
    { oneOf: [object({ ok: { const: true } }), object({ ok: { const: false } })] },
    ['field "ok" may be false, which nobody expects'],
  ],
  [
    'other fields where none were promised',
    object({ a: text }, ['a'], CLOSED),
    object({ a: text }),
    ['the whole may hold fields that are not listed'],
  ],
])('%s breaks those who read it', ([, before, after, changes]) => {
  expect(found(before, after, 'given')).toEqual(changes);
});

test.for<readonly [what: string, before: Json, after: Json]>([
  ['the same', object({ a: ref('Id'), b: nullable(text) }), object({ a: ref('Id'), b: nullable(text) })],
  ['a new field that may be left out', object({ a: text }), object({ a: text, b: text }, ['a'])],
  [
    'a new field that may be left out where others are refused',
    object({ a: text }, ['a'], CLOSED),
    object({ a: text, b: text }, ['a'], CLOSED),
  ],
  ['a field that need not be there any more', object({ a: text }), object({ a: text }, [])],
  ['a new value', { enum: ['x'] }, { enum: ['x', 'y'] }],
  ['any value instead of a list', { ...text, enum: ['x'] }, text],
  ['a longer text', { ...text, maxLength: 5 }, { ...text, maxLength: 9 }],
  ['a limit less', { ...text, maxLength: 5 }, text],
  ['a number instead of a whole one', { type: 'integer' }, { type: 'number' }],
  ['null as well', object({ a: text }), object({ a: nullable(text) })],
  ['an alternative more', { anyOf: [text] }, { anyOf: [text, { type: 'integer' }] }],
  ['anything', object({ a: text }), {}],
  ['a name for the same schema', { ...text, format: 'uuid' }, ref('Id')],
  ['a default where there was none', object({ a: text }, []), object({ a: { ...text, default: 'x' } }, [])],
  ['another description, title and example', { ...text, description: 'a' }, { ...text, title: 'b', examples: ['c'] }],
  [
    'the same reference beside a default',
    { allOf: [ref('Id')], default: 'x' },
    { $ref: '#/components/schemas/Id', default: 'x' },
  ],
  ['no least length instead of none', text, { ...text, minLength: 0 }],
])('%s breaks nobody who sends it', ([, before, after]) => {
  expect(found(before, after, 'taken')).toEqual([]);
});

test.for<readonly [what: string, before: Json, after: Json]>([
  ['a new field', object({ a: text }), object({ a: text, b: text })],
  ['a new field deep inside', object({ a: object({ b: text }) }), object({ a: object({ b: text, c: text }) })],
  ['a field that is always there now', object({ a: text }, []), object({ a: text })],
  ['fewer values', { enum: ['x', 'y'] }, { enum: ['x'] }],
  ['a shorter text', { ...text, maxLength: 9 }, { ...text, maxLength: 5 }],
  ['never null any more', object({ a: nullable(text) }), object({ a: text })],
  ['an alternative less', { oneOf: [text, { type: 'integer' }] }, { oneOf: [text] }],
  ['another default', { ...text, default: 'x' }, { ...text, default: 'y' }],
])('%s breaks nobody who reads it', ([, before, after]) => {
  expect(found(before, after, 'given')).toEqual([]);
});

test('a schema that holds itself is compared without end', () => {
  const document = { components: { schemas: { Tree: object({ leaf: text, next: nullable(ref('Tree')) }) } } };
  const other = {
    components: { schemas: { Tree: object({ leaf: { type: 'integer' }, next: nullable(ref('Tree')) }) } },
  };
  const changes = schemaChanges({ schema: ref('Tree'), document }, { schema: ref('Tree'), document: other }, 'taken');
  expect(changes[0]).toEqual({ field: 'leaf', what: 'field "leaf" must be integer, not string' });
});
