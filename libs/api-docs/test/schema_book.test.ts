import { AccountReply, IdField, MatchSpec } from '@warren/contracts';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { SchemaBook } from '../src/schema_book.ts';

test('a schema is known by the name under which the contracts export it, and so are those within it', () => {
  const book = new SchemaBook('draft-7');
  const ref = book.refTo(z.object({ match: MatchSpec, id: IdField.nullable() }), 'shop.buy_hat', 'Dto');
  expect(ref).toEqual({ $ref: '#/components/schemas/ShopBuyHatDto' });
  const components = book.componentsFor(ref);
  expect(Object.keys(components)).toEqual(['IdField', 'MatchSpec', 'NameField', 'ShopBuyHatDto']);
  expect(components['ShopBuyHatDto']).toEqual({
    type: 'object',
    properties: {
      match: { $ref: '#/components/schemas/MatchSpec' },
      id: { anyOf: [{ $ref: '#/components/schemas/IdField' }, { type: 'null' }] },
    },
    required: ['match', 'id'],
  });
});

test('a document holds the schemas that it refers to and no others', () => {
  const book = new SchemaBook('draft-2020-12');
  book.refTo(AccountReply, 'auth.get_account', 'Reply');
  book.addPlain('Unused', { type: 'object' });
  expect(book.componentsFor({ nothing: [] })).toEqual({});
});

test('two schemas of one name are refused, because one of them would stand for both', () => {
  const book = new SchemaBook('draft-7');
  expect(() => book.refTo(z.object({ b: z.string() }), 'account.reply', '')).toThrow(
    'two schemas are called AccountReply',
  );
});
