import type { Contract } from '@warren/contracts';
import { fieldsOf, strictDto } from '@warren/http';
import * as z from 'zod';
import type { Json } from '../json.ts';
import { needsKey } from '../pipeline_errors.ts';
import type { SchemaBook } from '../schema_book.ts';

/** Text of the keys that clients make: what the gateway takes. */
const KEY_SCHEMA = { type: 'string', minLength: 8, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' };

/** Parameters and body: fields named in the path come from there, the rest from the body or, for GET, the query. */
export function requestInput(contract: Contract, book: SchemaBook): Json {
  const inPath = new Set([...(contract.http?.path ?? '').matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1] ?? ''));
  const inQuery = contract.http?.method === 'GET';
  const shape = fieldsOf(strictDto(contract));
  const rest = Object.entries(shape).filter(([name]) => !inPath.has(name));
  const schemaOf = (field: z.core.$ZodType | undefined): Json => (field === undefined ? {} : book.field(field));
  const inAddress = [...inPath].map((name) => ({ name, in: 'path', required: true, schema: schemaOf(shape[name]) }));
  const asQuery = rest.map(([name, field]) => ({
    name,
    in: 'query',
    required: field._zod.optin !== 'optional',
    schema: schemaOf(field),
  }));
  const parameters = [...inAddress, ...(inQuery ? asQuery : []), ...keyHeaders(contract)];
  if (inQuery) return { parameters };
  const schema =
    inPath.size === 0
      ? book.refTo(contract.dto, contract.name, 'Dto', strictDto(contract))
      : book.refTo(z.strictObject(Object.fromEntries(rest)), contract.name, 'Body');
  return { parameters, requestBody: { required: rest.length > 0, content: { 'application/json': { schema } } } };
}

function keyHeaders(contract: Contract): Json[] {
  if (!needsKey(contract)) return [];
  const key = {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description: 'Made by the client for each thing that it wants done once. The same key is applied once.',
    schema: KEY_SCHEMA,
    example: 'queue-8f3a1c52',
  };
  if (contract.access.kind !== 'anonymous') return [key];
  const nonce = {
    name: 'Warren-Device-Nonce',
    in: 'header',
    required: true,
    description: 'Random text that the client makes once and keeps, so that nobody else can replay its key.',
    schema: KEY_SCHEMA,
    example: '0b6e2a54-91d7-4f3e-8c1a-5d2f7e9b3c60',
  };
  return [key, nonce];
}
