import type { AsyncApiDocument, AsyncMessage } from '../asyncapi/asyncapi_document.ts';
import { isJson, type Json } from '../json.ts';
import { anchor, type Html, html, inline, NOTHING } from './html.ts';
import { schemaTable } from './schema_table.ts';

const PLACE = '#/components/schemas/';

/** One message: what it is, its fields, an example, and its error codes. `said` stands above it already. */
export function messageBlock(document: AsyncApiDocument, id: string, said: string): Html {
  const message = document.components.messages[id];
  if (message === undefined) return NOTHING;
  return html`<section class="message">
<h4>${message.title}</h4>
${message.summary === said ? NOTHING : html`<p>${inline(message.summary)}</p>`}
${detailsOf(message)}
${payloadOf(document, message.payload)}
${errorsOf(document, message)}
${examplesOf(message)}
</section>`;
}

function detailsOf({ bindings, headers }: AsyncMessage): Html {
  const amqp = bindings?.['amqp'];
  const type = isJson(amqp) ? amqp['messageType'] : undefined;
  const facts = [
    ...(typeof type === 'string' ? [html`type <code>${type}</code>`] : []),
    ...(headers === undefined ? [] : [html`headers ${linkTo(headers.$ref)}`]),
  ];
  if (facts.length === 0) return NOTHING;
  return html`<p class="facts">${{ markup: facts.map(({ markup }) => markup).join(', ') }}</p>`;
}

const linkTo = (ref: string): Html => {
  const name = ref.slice(PLACE.length);
  return html`<a href="#${anchor('schema', name)}">${name}</a>`;
};

/** A payload that is a shared schema is shown here all the same, so that nobody has to jump. */
function payloadOf(document: AsyncApiDocument, payload: Json): Html {
  const { $ref } = payload;
  if (typeof $ref !== 'string') return schemaTable(payload);
  const shared = document.components.schemas[$ref.slice(PLACE.length)];
  return html`<p class="facts">schema ${linkTo($ref)}</p>${shared === undefined ? NOTHING : schemaTable(shared)}`;
}

function errorsOf({ 'x-errors': errors }: AsyncApiDocument, { 'x-error-codes': codes = [] }: AsyncMessage): Html {
  if (codes.length === 0) return NOTHING;
  const rows = codes.map((code) => {
    const { status = 0, retryable = false, message = '' } = errors[code] ?? {};
    return html`<tr><td><code>${code}</code></td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${message}</td></tr>`;
  });
  return html`<div class="wide"><table>
<thead><tr><th>code</th><th>status</th><th>retryable</th><th>meaning</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>`;
}

function examplesOf({ examples = [] }: AsyncMessage): Html {
  return html`${examples.map(({ payload }) => html`<pre><code>${JSON.stringify(payload, null, 2)}</code></pre>`)}`;
}
