import type { AsyncApiDocument, AsyncOperation } from '../asyncapi/asyncapi_document.ts';
import { isJson, type Json } from '../json.ts';
import { type Html, html, inline, NOTHING } from './html.ts';
import { messageBlock } from './message_block.ts';
import { lastOf, messagesOf, type OperationGroup } from './operation_groups.ts';

/** One command, event or frame with all its messages. */
export function groupMarkup(document: AsyncApiDocument, group: OperationGroup): Html {
  const summary = group.operations[0]?.summary ?? '';
  const rules = group.operations.flatMap(({ 'x-rules': some }) => (some === undefined ? [] : [rulesMarkup(some)]));
  return html`<article>
<h3 id="${group.id}">${group.title}</h3>
<p>${inline(summary)}</p>
<ul class="ways">${group.operations.map((operation) => wayOf(document, operation))}</ul>
${rules}
${messagesOf(group).map((id) => messageBlock(document, id, summary))}
</article>`;
}

function wayOf(document: AsyncApiDocument, { action, title, channel: ref }: AsyncOperation): Html {
  const channel = document.channels[lastOf(ref)];
  const address = html`<code>${channel?.address ?? ''}</code>`;
  const arrow = html`<span class="arrow">${action === 'send' ? '→' : '←'}</span>`;
  const amqp = channel?.bindings['amqp'];
  if (!isJson(amqp)) return html`<li>${title} at ${address}</li>`;
  const { exchange } = amqp;
  const place = isJson(exchange)
    ? html`exchange <code>${String(exchange['name'])}</code>, key ${address}`
    : html`queue ${address}`;
  return html`<li>${title} ${arrow} ${place}</li>`;
}

/** The rules of a command in words. */
const RULES: readonly (readonly [name: string, heading: string, say: (value: unknown) => string])[] = [
  ['access', 'for', whoOf],
  ['ratePerMinute', 'calls a minute', String],
  ['maxBytes', 'bytes of a body over HTTP', String],
  ['deadlineMs', 'deadline', (value) => `${String(value)} ms`],
  ['idempotency', 'idempotency', String],
  ['secretFields', 'secret', (value) => (Array.isArray(value) ? value.join(', ') : '')],
];

function rulesMarkup(rules: Json): Html {
  const facts = RULES.filter(([name]) => name in rules).map(
    ([name, heading, say]) => html`<div><dt>${heading}</dt><dd>${say(rules[name])}</dd></div>`,
  );
  return facts.length === 0 ? NOTHING : html`<dl class="rules">${facts}</dl>`;
}

function whoOf(access: unknown): string {
  if (!isJson(access)) return '';
  const { kind, roles, callers } = access;
  const some = (list: unknown): string => (Array.isArray(list) ? list.join(', ') : '');
  if (kind === 'service') return `services: ${some(callers)}`;
  if (kind === 'server') return 'game servers';
  if (kind === 'anonymous') return 'anybody';
  return some(roles) === '' ? 'players' : `players who are ${some(roles)}`;
}
