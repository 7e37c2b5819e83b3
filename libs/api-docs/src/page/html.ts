/** Markup that may stand in a page as it is. */
export interface Html {
  readonly markup: string;
}

type Part = Html | string | number | readonly Html[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

/** Markup with values in it: text is escaped, whatever it holds, and only markup stays markup. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const markup = strings.map((literal, index) => literal + markupOf(parts[index] ?? '')).join('');
  return { markup };
}

function markupOf(part: Part): string {
  if (typeof part === 'string') return escape(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('\n');
}

export const NOTHING: Html = { markup: '' };

/** Prose of the documents: paragraphs, lists of lines that begin with a dash, and `code`. */
export function prose(text: string): Html {
  const blocks = text.split('\n\n').map((block) => {
    if (!block.startsWith('- ')) return html`<p>${inline(block)}</p>`;
    const items = block.split('\n').map((line) => html`<li>${inline(line.replace(/^- /, ''))}</li>`);
    return html`<ul>${items}</ul>`;
  });
  return html`${blocks}`;
}

/** One line with `code` in it. */
export function inline(text: string): Html {
  const parts = text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
  return { markup: parts.map(({ markup }) => markup).join('') };
}

/** An id for a heading that a link can lead to. */
export const anchor = (...words: readonly string[]): string => words.join('-').replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
