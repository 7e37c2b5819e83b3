import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';

const CORPORA = new URL('../../corpora/', import.meta.url);
const BOMB_BYTES = 10 * 1024 * 1024;

/** `refused`: a 4xx that says why. `valid`: JSON that must be parsed, and fits no schema of ours. `either`: the parser's choice. */
type JsonClass = 'refused' | 'valid' | 'either';

export interface JsonText {
  readonly name: string;
  readonly bytes: Buffer;
  readonly expected: JsonClass;
}

const CLASSES: Readonly<Record<string, JsonClass>> = { n: 'refused', y: 'valid', i: 'either' };

/** Every file of JSONTestSuite. Texts of `test_transform` are read differently by different parsers. */
export function jsonTestSuite(): JsonText[] {
  return ['test_parsing', 'test_transform'].flatMap((folder) => {
    const directory = new URL(`jsontestsuite/${folder}/`, CORPORA);
    return readdirSync(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({
        name: `${folder}/${name}`,
        bytes: readFileSync(new URL(encodeURIComponent(name), directory)),
        expected: folder === 'test_parsing' ? (CLASSES[name.charAt(0)] ?? 'either') : ('either' as const),
      }));
  });
}

export const naughtyStrings = (): string[] =>
  z.array(z.string()).parse(JSON.parse(readFileSync(new URL('blns/blns.json', CORPORA), 'utf8')));

export const weakSecrets = (): string[] =>
  readFileSync(new URL('weak-secrets.txt', CORPORA), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

export interface BodyCase {
  readonly id: string;
  readonly bytes: Buffer;
  /** Beside the usual ones of a JSON request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Is sent in the address instead of the body. */
  readonly query: string;
  readonly statuses: readonly number[];
}

const CaseFile = z.object({
  cases: z.array(
    z.object({
      id: z.string(),
      generate: z.string().optional(),
      hex: z.string().optional(),
      header: z.string().optional(),
      body: z.string().optional(),
      expect: z.string(),
    }),
  ),
});
type RawCase = z.output<typeof CaseFile>['cases'][number];

/** Every case of json-bodies.json as a request. */
export function bodyCases(): BodyCase[] {
  const text = readFileSync(new URL('json-bodies.json', CORPORA), 'utf8');
  return CaseFile.parse(JSON.parse(text)).cases.map((raw) => {
    const isQuery = raw.body?.startsWith('?') === true;
    return {
      id: raw.id,
      bytes: isQuery ? Buffer.from('{}') : bytesOf(raw),
      headers: headersOf(raw),
      query: isQuery ? (raw.body ?? '') : '',
      statuses: statusesOf(raw),
    };
  });
}

/** "400/413 in <50 ms" → 400, 413. A 5xx in the text is only ever ruled out; words about acceptance allow a 201. */
function statusesOf({ expect }: RawCase): number[] {
  const named = (expect.match(/\b4\d\d\b/g) ?? ['400']).map(Number);
  const accepted = /accepted|documented|ignored|not treated|replaced/.test(expect) ? [201] : [];
  // a body over the limit is refused for its size before anybody sees what else is wrong with it
  return [...named, ...(named.includes(400) ? [413] : []), ...accepted];
}

function headersOf({ header }: RawCase): Record<string, string> {
  if (header === undefined) return {};
  const [, name, value] = /^(content-encoding): (\w+)/.exec(header) ?? ['', 'content-type', header];
  return { [name]: value };
}

function bytesOf(raw: RawCase): Buffer {
  if (raw.hex !== undefined) return Buffer.from(raw.hex, 'hex');
  if (raw.generate !== undefined) return Buffer.from(generated(raw.id, raw.generate));
  if (raw.header?.includes('gzip') === true) return gzipSync(Buffer.alloc(BOMB_BYTES));
  // what follows " / " is a remark: about objects in code, not about bytes
  return Buffer.from(
    (raw.body ?? '{}').startsWith('{') ? (raw.body ?? '').split(' / ', 1).join() : plainBody(raw.body),
  );
}

/** A body that describes itself in words stands for the three prototype cases at once. */
function plainBody(body: string | undefined): string {
  if (body === undefined) return '{}';
  return body.startsWith('same three')
    ? '{"__proto__":{"role":"admin"},"constructor":{"prototype":{"role":"admin"}}}'
    : body;
}

const DESCRIBED: Readonly<Record<string, () => string>> = {
  'nested arrays 200000 into a recursive zod schema': () => '['.repeat(200_000) + ']'.repeat(200_000),
  'object with 90000 distinct keys': () => `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
};

/** Expressions such as `'{"a":'*170000+'1'+'}'*170000`. */
function generated(id: string, expression: string): string {
  const described = DESCRIBED[expression];
  if (described !== undefined) return described();
  const TERM = /'([^']*)'(?:\*(\d+))?(?:\+|$)/gy;
  let text = '';
  let end = 0;
  for (const [whole, part = '', times = '1'] of expression.matchAll(TERM)) {
    text += part.repeat(Number(times));
    end += whole.length;
  }
  if (end !== expression.length) throw new Error(`${id}: the expression is not understood`);
  return text;
}
