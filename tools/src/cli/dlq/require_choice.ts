import { ToolError } from '../../tool_error.ts';
import type { DlqOptions } from './dlq_options.ts';
import { isNarrow, type LetterFilter } from './letter_filter.ts';

/** What changes something needs to be told to what. @throws ToolError with exit code 2 */
export function requireChoice(filter: LetterFilter, options: DlqOptions, verb: string): void {
  if (isNarrow(filter) || options.all === true) return;
  const message = `Say which letters to ${verb}: message ids, filters such as --queue or --code, or --all.`;
  throw new ToolError(message, { exitCode: 2 });
}
