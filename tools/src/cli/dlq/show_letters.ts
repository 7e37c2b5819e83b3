import type { DeadLetter } from '@warren/rabbit';
import type { Clone } from '../../clone/clone.ts';
import { sayPlain } from '../../output.ts';
import { ToolError } from '../../tool_error.ts';
import { type DlqOptions, filterOf } from './dlq_options.ts';
import { INTERRUPTED, presentQueues, printJson, withOffice } from './dlq_session.ts';
import { matcherOf } from './letter_filter.ts';
import { letterLines, shownLetter } from './show_letter.ts';

/** One message id may have been parked several times. */
const MAX_SHOWN = 10;

/** `warren dlq show <message id>` */
export function showLetters(clone: Clone, messageId: string, options: DlqOptions): Promise<number> {
  const filter = filterOf(options, [messageId]);
  const limit = options.limit ?? MAX_SHOWN;
  return withOffice(clone, async ({ office, signal, note }) => {
    const found: DeadLetter[] = [];
    const matches = matcherOf(filter, Date.now());
    for (const queue of await presentQueues(office, filter)) {
      note(`reading ${queue}`);
      const left = limit - found.length;
      if (left > 0 && !signal.aborted)
        await office.look(queue, { matches, limit: left, signal, onLetter: (letter) => void found.push(letter) });
    }
    if (signal.aborted) return INTERRUPTED;
    if (found.length === 0) throw new ToolError('There is no dead letter with this message id.');
    if (options.json === true) printJson(found.map(shownLetter));
    else sayPlain(found.map((letter) => letterLines(letter).join('\n')).join('\n\n'));
    return 0;
  });
}
