/** One name in every form that sources write it in. */
export interface Words {
  /** `join_ticket`: files, fields, commands. */
  readonly snake: string;
  /** `joinTicket`: properties of a token object. */
  readonly camel: string;
  /** `JoinTicket`: classes and types. */
  readonly pascal: string;
  /** `JOIN_TICKET`: constants, error codes. */
  readonly upper: string;
  /** `join-tickets` of `join_tickets`: paths. */
  readonly kebab: string;
  /** `join ticket`: sentences. */
  readonly spoken: string;
}

const SNAKE = /^[a-z]+(?:_[a-z]+)*$/;

/** Whether a text is made of words of lower-case letters, joined by `_`. */
export const isSnake = (text: string): boolean => SNAKE.test(text);

export function wordsOf(snake: string): Words {
  const pascal = snake
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
  return {
    snake,
    camel: pascal.slice(0, 1).toLowerCase() + pascal.slice(1),
    pascal,
    upper: snake.toUpperCase(),
    kebab: snake.replaceAll('_', '-'),
    spoken: snake.replaceAll('_', ' '),
  };
}

/** The regular English plural of the last word: `entry` → `entries`, `join_ticket` → `join_tickets`. */
export function pluralOf(snake: string): string {
  if (/[^aeiou]y$/.test(snake)) return `${snake.slice(0, -1)}ies`;
  return /(?:s|x|z|ch|sh)$/.test(snake) ? `${snake}es` : `${snake}s`;
}

/** `an item`, `a ticket`. */
export const withArticle = (spoken: string): string => `${/^[aeiou]/.test(spoken) ? 'an' : 'a'} ${spoken}`;

/** With an upper-case first letter. */
export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
