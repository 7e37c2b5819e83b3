import { expect, test } from 'vitest';
import { isSnake, pluralOf, withArticle, wordsOf } from './words.ts';

test.each([
  ['item', 'items'],
  ['entry', 'entries'],
  ['key', 'keys'],
  ['box', 'boxes'],
  ['match', 'matches'],
  ['join_ticket', 'join_tickets'],
])('the plural of %s is %s', (noun, plural) => {
  expect(pluralOf(noun)).toBe(plural);
});

test('a name has one form for each place that it is written in', () => {
  expect(wordsOf('join_ticket')).toEqual({
    snake: 'join_ticket',
    camel: 'joinTicket',
    pascal: 'JoinTicket',
    upper: 'JOIN_TICKET',
    kebab: 'join-ticket',
    spoken: 'join ticket',
  });
  expect([withArticle('item'), withArticle('ticket')]).toEqual(['an item', 'a ticket']);
});

test.each(['Item', 'item2', '_item', 'item_', 'a__b', 'item-box', ''])('"%s" is no name', (text) => {
  expect(isSnake(text)).toBe(false);
});
