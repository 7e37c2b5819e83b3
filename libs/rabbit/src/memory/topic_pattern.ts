/** Whether a routing key fits a binding of a topic exchange: `*` stands for one word, `#` for any number of them. */
export function topicMatcher(pattern: string): (key: string) => boolean {
  const wanted = wordsOf(pattern);
  if (!wanted.includes('#') && !wanted.includes('*')) return (key) => key === pattern;
  return (key) => fits(wanted, wordsOf(key));
}

/** The empty key has no word at all, not one empty word: `*` does not fit it. */
const wordsOf = (text: string): readonly string[] => (text === '' ? [] : text.split('.'));

/** Goes through the pattern once, keeping every count of words that the part so far can have used up. */
function fits(wanted: readonly string[], words: readonly string[]): boolean {
  let used: readonly number[] = [0];
  for (const part of wanted) {
    const [least] = used;
    if (least === undefined) return false;
    if (part === '#') used = Array.from({ length: words.length - least + 1 }, (_, i) => least + i);
    else
      used = used.filter((count) => count < words.length && (part === '*' || words[count] === part)).map((n) => n + 1);
  }
  return used.includes(words.length);
}
