import type { AsyncApiDocument, AsyncChannel } from '../asyncapi/asyncapi_document.ts';
import { isJson } from '../json.ts';
import { groupMarkup } from './group_markup.ts';
import { anchor, type Html, html, inline, NOTHING, prose } from './html.ts';
import { messageBlock } from './message_block.ts';
import { messagesOf, type PageSection, sectionsOf } from './operation_groups.ts';
import { PAGE_STYLES } from './page_styles.ts';
import { schemaTable } from './schema_table.ts';

/** Where the page gets its looks: from an address, or within itself for a file that is opened from a disk. */
export type PageStyle = { readonly href: string } | 'within';

/** An AsyncAPI document as one page of text: nothing runs on it, and the browser's own search finds everything. */
export function asyncApiPage(document: AsyncApiDocument, style: PageStyle): string {
  const { title, version, description } = document.info;
  const sections = sectionsOf(document);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${String(title)}</title>
${style === 'within' ? { markup: `<style>${PAGE_STYLES}</style>` } : html`<link rel="stylesheet" href="${style.href}">`}
</head>
<body>
<header><h1>${String(title)}</h1><p class="facts">AsyncAPI ${document.asyncapi}, version ${String(version)}</p>${prose(String(description))}</header>
${contents(document, sections)}
<main>
${servers(document)}
${sections.map((section) => sectionMarkup(document, section))}
${channels(document, sections)}
${schemas(document)}
</main>
</body>
</html>
`;
  return page.markup;
}

function contents(document: AsyncApiDocument, sections: readonly PageSection[]): Html {
  const parts = sections.map(({ heading, groups }) => {
    const links = groups.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
    return html`<h2>${heading}</h2><ul>${links}</ul>`;
  });
  const names = Object.keys(document.components.schemas);
  const links = names.map((name) => html`<li><a href="#${anchor('schema', name)}">${name}</a></li>`);
  return html`<nav aria-label="Contents">${parts}<h2>Schemas</h2><ul>${links}</ul></nav>`;
}

function servers({ servers: all, components }: AsyncApiDocument): Html {
  const rows = Object.values(all).map(
    ({ title, protocol, host, description }) =>
      html`<tr><td>${title}</td><td><code>${protocol}://${host}</code></td><td>${inline(description)}</td></tr>`,
  );
  const schemes = Object.entries(components.securitySchemes).map(
    ([name, { description }]) => html`<dt><code>${name}</code></dt><dd>${prose(String(description))}</dd>`,
  );
  return html`<section><h2>Servers and logins</h2>
<div class="wide"><table><thead><tr><th>server</th><th>address</th><th>about</th></tr></thead><tbody>${rows}</tbody></table></div>
<dl class="schemes">${schemes}</dl></section>`;
}

function sectionMarkup(document: AsyncApiDocument, { heading, intro, groups }: PageSection): Html {
  return html`<section><h2>${heading}</h2><p>${intro}</p>${groups.map((group) => groupMarkup(document, group))}</section>`;
}

function channels(document: AsyncApiDocument, sections: readonly PageSection[]): Html {
  const all = Object.values(document.channels);
  const queues = all.filter((channel) => channel['x-queue'] !== undefined);
  const sockets = all.filter((channel) => channel['x-close-codes'] !== undefined);
  const shown = new Set(sections.flatMap(({ groups }) => groups).flatMap(messagesOf));
  const others = Object.keys(document.components.messages).filter((id) => !shown.has(id));
  return html`${sockets.map(socketMarkup)}${queues.length === 0 ? NOTHING : queueMarkup(queues)}
${others.map((id) => messageBlock(document, id, ''))}`;
}

function socketMarkup({ title, address, description, 'x-close-codes': codes = {} }: AsyncChannel): Html {
  const rows = Object.entries(codes).map(([code, note]) => html`<tr><td>${code}</td><td>${note}</td></tr>`);
  return html`<section><h2>${title}</h2><p><code>${address}</code></p><p>${description}</p>
<div class="wide"><table><thead><tr><th>close code</th><th>what happened and what to do</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function queueMarkup(queues: readonly AsyncChannel[]): Html {
  const rows = queues.map(({ address, description, 'x-queue': queue = {} }) => {
    const { type, arguments: args, bindings } = queue;
    const bound = Array.isArray(bindings) ? bindings.filter(isJson) : [];
    const places = bound.map(
      ({ exchange, pattern }) => html`<div><code>${String(exchange)}</code> <code>${String(pattern)}</code></div>`,
    );
    const given = Object.entries(isJson(args) ? args : {}).map(
      ([name, value]) => html`<div>${name}: ${String(value)}</div>`,
    );
    return html`<tr><td><code>${address}</code><div class="note">${inline(description)}</div></td><td>${String(type)}</td><td>${places}</td><td>${given}</td></tr>`;
  });
  return html`<section><h2>Queues</h2>
<div class="wide"><table><thead><tr><th>queue</th><th>type</th><th>bound to</th><th>arguments</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function schemas({ components }: AsyncApiDocument): Html {
  const blocks = Object.entries(components.schemas).map(
    ([name, schema]) => html`<article><h3 id="${anchor('schema', name)}">${name}</h3>${schemaTable(schema)}</article>`,
  );
  return html`<section><h2>Schemas</h2>${blocks}</section>`;
}
