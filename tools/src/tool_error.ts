/** A failure that the person at the terminal can act on: `message` is one sentence, without a stack and without a secret. */
export class ToolError extends Error {
  readonly exitCode: number;
  /** Lines below the sentence, such as the end of a log. */
  readonly details: readonly string[];

  constructor(message: string, options: { exitCode?: number; details?: readonly string[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ToolError';
    this.exitCode = options.exitCode ?? 1;
    this.details = options.details ?? [];
  }
}

/** What went wrong, as text for one line; passwords in URLs are blanked. */
export function sentenceOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return withoutPasswords(text.split('\n')[0] ?? '').trim() || 'an unknown failure';
}

/** The text with the password of every URL in it blanked. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/(\w+:\/\/[^\s:/@]*):[^\s/]*@/g, '$1:***@');
}
