/** How the terminal may be written to. Without `color` no escape sequence appears in a frame. */
export interface Style {
  color: boolean;
  unicode: boolean;
}

export type Tint = 'you' | 'rival' | 'fox' | 'carrot' | 'gold' | 'hedge' | 'dim' | 'strong';

const SGR: Record<Tint, string> = {
  you: '1;36',
  rival: '1;35',
  fox: '1;37;41',
  carrot: '33',
  gold: '1;30;43',
  hedge: '32',
  dim: '2',
  strong: '1',
};

/** Reads NO_COLOR (any text), TERM (dumb) and the locale (UTF-8) of an environment. */
export function styleFrom(env: Readonly<Record<string, string | undefined>>): Style {
  const dumb = env['TERM'] === 'dumb';
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return { color: !dumb && !env['NO_COLOR'], unicode: !dumb && /utf-?8/i.test(locale) };
}

/** Text in a colour, or the text itself in monochrome. */
export function tint(style: Style, kind: Tint, text: string): string {
  return style.color ? `\x1b[${SGR[kind]}m${text}\x1b[0m` : text;
}

/** A name from the network as at most `width` printable ASCII characters: no escape sequence reaches the terminal. */
export function safeName(name: string, width: number): string {
  const printable = name
    .slice(0, 256)
    .replace(/[^\x20-\x7e]/gu, '?')
    .trim();
  return (printable === '' ? '?' : printable).slice(0, width);
}
