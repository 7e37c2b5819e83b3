/** Longest canonical form, UTF-16 units: one character may become 18 in NFKC. */
const MAX_CANONICAL_LENGTH = 256;

/** A fold and a normalization may undo each other; real text is stable after two rounds. */
const MAX_ROUNDS = 4;

const WHITESPACE_RUN = /\p{White_Space}+/gu;
const INVISIBLE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u;
const EDGE_SPACE = /^\p{White_Space}|\p{White_Space}$/u;
const LEADING_MARK = /^\p{M}/u;

/**
 * The form by which two logins are the same: NFKC, case folded, runs of white space as one space, none at the edges.
 * Folding goes by single characters, because lower case of a whole word depends on position (the final sigma of Greek).
 */
export function canonicalLogin(login: string): string {
  let current = login;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = fold(current.normalize('NFKC')).normalize('NFKC').replace(WHITESPACE_RUN, ' ').trim();
    if (next === current) break;
    current = next;
  }
  return current;
}

function fold(text: string): string {
  let folded = '';
  for (const character of text) folded += character.toUpperCase().toLowerCase();
  return folded;
}

/** Why a login cannot be registered, as a sentence for people; undefined when it can. */
export function loginFault(login: string): string | undefined {
  if (!login.isWellFormed()) return 'must be well-formed Unicode';
  if (INVISIBLE.test(login)) return 'must not hold control, invisible, private or unassigned characters';
  if (EDGE_SPACE.test(login)) return 'must not begin or end with white space';
  if (LEADING_MARK.test(login)) return 'must not begin with a combining mark';
  const canonical = canonicalLogin(login);
  if (canonical === '' || canonical.length > MAX_CANONICAL_LENGTH) return 'has no usable normal form';
  // a form that still changes is not the name of one account only
  return canonicalLogin(canonical) === canonical ? undefined : 'has no stable normal form';
}
