import { isJson, type Json } from '../json.ts';
import { anchor, type Html, html, inline, NOTHING } from './html.ts';

const PLACE = '#/components/schemas/';
/** Fields within fields that one table shows; deeper ones have a schema of their own, or are left to the document. */
const MAX_DEPTH = 6;

interface Row {
  /** `players[].slot`. */
  readonly path: string;
  readonly schema: Json;
  readonly required: boolean;
}

/** The fields of a schema, one row each; a shared schema within it is a link. */
export function schemaTable(schema: Json): Html {
  const rows = rowsOf(schema, '', MAX_DEPTH);
  if (rows.length === 0) return html`<p class="type">${joined([typeOf(schema), limitsOf(schema)], ', ')}</p>`;
  return html`<div class="wide"><table>
<thead><tr><th>field</th><th>type</th><th>required</th><th>limits</th></tr></thead>
<tbody>${rows.map(rowMarkup)}</tbody>
</table></div>`;
}

function rowMarkup(row: Row | typeof OR): Html {
  if (row === OR) return html`<tr><td colspan="4" class="facts">or</td></tr>`;
  const { path, schema, required } = row;
  const { description } = schema;
  const note = typeof description === 'string' ? html`<div class="note">${inline(description)}</div>` : NOTHING;
  return html`<tr><td><code>${path}</code></td><td>${typeOf(schema)}</td><td>${required ? 'yes' : 'no'}</td><td>${limitsOf(schema)}${note}</td></tr>`;
}

/** Stands between the fields of two alternatives. */
const OR = 'or';

function rowsOf(schema: Json, path: string, depth: number): (Row | typeof OR)[] {
  if (depth === 0) return [];
  const { properties, required, items } = schema;
  if (isJson(items)) return rowsOf(items, `${path}[]`, depth - 1);
  const options = optionsOf(schema);
  if (options.length > 0) {
    const each = options.map((option) => rowsOf(option, path, depth - 1)).filter((rows) => rows.length > 0);
    return each.flatMap((rows, index) => (index === 0 ? rows : [OR, ...rows]));
  }
  if (!isJson(properties)) return [];
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.entries(properties).flatMap(([name, field]) => {
    if (!isJson(field)) return [];
    const at = path === '' ? name : `${path}.${name}`;
    return [{ path: at, schema: field, required: needed.includes(name) }, ...rowsOf(field, at, depth - 1)];
  });
}

/** The alternatives of a schema; null is told by its type alone. */
function optionsOf({ oneOf, anyOf, allOf }: Json): Json[] {
  const lists: readonly unknown[] = [oneOf, anyOf, allOf];
  return lists.flatMap((list) => (Array.isArray(list) ? list.filter(isJson) : []));
}

function typeOf(schema: Json): Html {
  const { $ref, type, items } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.slice(PLACE.length);
    return html`<a href="#${anchor('schema', name)}">${name}</a>`;
  }
  const options = optionsOf(schema);
  if (options.length > 0) return joined(options.map(typeOf), ' or ');
  if (type === 'array') return html`list of ${isJson(items) ? typeOf(items) : 'anything'}`;
  return html`${typeof type === 'string' ? type : 'anything'}`;
}

const LIMITS: readonly (readonly [keyword: string, say: (value: unknown) => string])[] = [
  ['const', (value) => `always ${JSON.stringify(value)}`],
  ['format', (value) => String(value)],
  ['minLength', (value) => (value === 0 ? '' : `at least ${String(value)} characters`)],
  ['maxLength', (value) => `at most ${String(value)} characters`],
  ['minimum', (value) => (value === Number.MIN_SAFE_INTEGER ? '' : `from ${String(value)}`)],
  ['maximum', (value) => (value === Number.MAX_SAFE_INTEGER ? '' : `up to ${String(value)}`)],
  ['minItems', (value) => `at least ${String(value)} entries`],
  ['maxItems', (value) => `at most ${String(value)} entries`],
  ['default', (value) => `${JSON.stringify(value)} unless said`],
];

function limitsOf(schema: Json): Html {
  const said = LIMITS.flatMap(([keyword, say]) => (keyword in schema ? [html`${say(schema[keyword])}`] : []));
  const { enum: values, pattern, format, additionalProperties } = schema;
  const more = [
    ...(Array.isArray(values)
      ? [
          joined(
            values.map((value) => html`<code>${String(value)}</code>`),
            ' ',
          ),
        ]
      : []),
    ...(typeof pattern === 'string' && format === undefined ? [html`<code>${pattern}</code>`] : []),
    ...(additionalProperties === false ? [html`no other fields`] : []),
  ];
  return joined([...said, ...more], ', ');
}

function joined(parts: readonly Html[], separator: string): Html {
  const some = parts.filter(({ markup }) => markup !== '');
  return { markup: some.map(({ markup }) => markup).join(html`${separator}`.markup) };
}
