import { CONTRACTS, defineContract, EVENTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { asyncApiOf, asyncApiPage, clientAsyncApiOf, PAGE_STYLES } from '../src/index.ts';

const INFO = { title: 'T', version: '1', description: 'One.\n\n- `a`\n- b' };
const document = asyncApiOf(INFO, { contracts: CONTRACTS, events: EVENTS, services: SERVICES });
const page = asyncApiPage(document, { href: '/x.css' });
const client = asyncApiPage(clientAsyncApiOf(INFO, CONTRACTS, EVENTS), { href: '/x.css' });

const captured = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);

test('every link of the page leads to one heading of the page', () => {
  for (const text of [page, client]) {
    const ids = captured(text, / id="([^"]+)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    const links = captured(text, / href="#([^"]+)"/g);
    expect(links.length).toBeGreaterThan(ids.length);
    expect(links.filter((link) => !ids.includes(link))).toEqual([]);
  }
});

test('the page shows every command, event, message, schema and error code', () => {
  const { schemas, messages } = document.components;
  for (const { name, errors } of CONTRACTS)
    for (const word of [name, ...Object.keys(errors)]) expect(page).toContain(word);
  for (const { name, client: type = name } of EVENTS) expect(page).toContain(type);
  for (const { title } of Object.values(messages)) expect(page).toContain(`<h4>${title}</h4>`);
  for (const name of Object.keys(schemas)) expect(page).toContain(`id="schema-${name}"`);
});

test('the page runs nothing, loads nothing but its style sheet and holds no style of its own', () => {
  expect(page.match(/<script|<style| style=| on[a-z]+=|javascript:/g)).toBeNull();
  expect(captured(page, /<link [^>]*href="([^"]+)"/g)).toEqual(['/x.css']);
});

test('a page for a file holds its style sheet', () => {
  const file = asyncApiPage(document, 'within');
  expect(file).toContain(`<style>${PAGE_STYLES}</style>`);
  expect(file).not.toContain('<link');
});

test('tags are balanced', () => {
  for (const tag of ['article', 'section', 'table', 'tr', 'td', 'ul', 'li', 'p', 'code', 'nav', 'main', 'header']) {
    expect(page.split(`<${tag}`).filter((rest) => /^[ >]/.test(rest)).length, tag).toBe(
      page.split(`</${tag}>`).length - 1,
    );
  }
});

test('text of a contract is shown as text, whatever it holds', () => {
  const evil = defineContract({
    name: 'shop.buy_hat',
    summary: '<script>alert("1")</script> & `a<b`',
    exposure: 'public',
    access: { kind: 'player', roles: ['<i>'] },
    ws: 'hat.buy',
    dto: z.object({ hat: z.string().regex(/<b>/).describe("it's <u>") }),
    reply: z.object({ kind: z.literal('</pre><img src=x onerror=alert(1)>') }),
    errors: { SHOP_HAT_GONE: { kind: 'gone', message: '<a>', retryable: false } },
    idempotency: 'inbox',
  });
  const text = asyncApiPage(clientAsyncApiOf(INFO, [evil], []), { href: '/x.css' });
  expect(text.match(/<(script|i>|b>|u>|img|a>)/g)).toBeNull();
  expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; <code>a&lt;b</code>');
  expect(text).toContain('&lt;/pre&gt;&lt;img');
});

test('a document without a broker has no word of queues and services', () => {
  expect(client.match(/<th>queue|exchange <code>|Dead letters|amqp/g)).toBeNull();
  expect(client).toContain('What a game server asks');
  expect(client).toContain('4409');
});
