import type { Move } from '@warren/example-game-server/game';

/** What a key press means. */
export type KeyCommand = { kind: 'move'; move: Move } | { kind: 'dash' } | { kind: 'quit' };

/** More text than this at once is not typed by a person; the rest is dropped. */
const MAX_CHUNK_LENGTH = 64;

const move = (to: Move): KeyCommand => ({ kind: 'move', move: to });

const KEYS: ReadonlyMap<string, KeyCommand> = new Map([
  // Both forms of the arrows: normal and application cursor mode.
  ['\x1b[A', move('up')],
  ['\x1bOA', move('up')],
  ['\x1b[B', move('down')],
  ['\x1bOB', move('down')],
  ['\x1b[C', move('right')],
  ['\x1bOC', move('right')],
  ['\x1b[D', move('left')],
  ['\x1bOD', move('left')],
  ['w', move('up')],
  ['s', move('down')],
  ['a', move('left')],
  ['d', move('right')],
  ['x', move('stay')],
  [' ', { kind: 'dash' }],
  ['q', { kind: 'quit' }],
  ['\x03', { kind: 'quit' }],
  ['\x04', { kind: 'quit' }],
]);

const ESCAPE = '\x1b';

/** A whole escape sequence, or one character. */
const KEY_PATTERN = new RegExp(`${ESCAPE}(?:\\[[0-9;]*[A-Za-z~]|O[A-Za-z])|[\\s\\S]`, 'gu');

/** The commands in a chunk of raw terminal input, in order; keys without a meaning are left out. */
export function keyCommands(chunk: string): KeyCommand[] {
  const keys = chunk.slice(0, MAX_CHUNK_LENGTH).match(KEY_PATTERN) ?? [];
  return keys.flatMap((key) => KEYS.get(key) ?? KEYS.get(key.toLowerCase()) ?? []);
}
