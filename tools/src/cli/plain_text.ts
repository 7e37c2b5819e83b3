/** Control characters, line ends, and the marks that turn the direction of text: what could move a cursor or hide a word. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** Text of a stranger for one line of a terminal. */
export function plain(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** The same for text of several lines. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}
