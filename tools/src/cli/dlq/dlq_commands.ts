import type { Command } from 'commander';
import type { Clone } from '../../clone/clone.ts';
import { type DlqOptions, withFilters } from './dlq_options.ts';
import { dropLetters } from './drop_letters.ts';
import { listLetters } from './list_letters.ts';
import { replayLetters } from './replay_letters.ts';
import { showLetters } from './show_letters.ts';

type Finish = (code: number) => void;

/** Adds `warren dlq …`. `finish` is told the exit code. */
export function addDlqCommands(program: Command, clone: Clone, finish: Finish): void {
  const dlq = program
    .command('dlq')
    .description('dead letters: messages that a service could not handle, and the unroutable');
  withFilters(dlq.command('list'))
    .description('count dead letters by queue, command, reason and error code')
    .action(async (options: DlqOptions) => finish(await listLetters(clone, options)));
  withFilters(dlq.command('show'))
    .description('print one letter whole; secret fields are masked')
    .argument('<message-id>')
    .action(async (id: string, options: DlqOptions) => finish(await showLetters(clone, id, options)));
  withFilters(dlq.command('replay'))
    .description('put letters back into the queue they came from, oldest first')
    .argument('[message-id...]')
    .option('--all', 'all letters; needed when nothing else is said')
    .option('--dry-run', 'say what would be done')
    .option('--force', 'also letters that are older than an inbox remembers: their effect may be doubled')
    .action(async (ids: string[], options: DlqOptions) => finish(await replayLetters(clone, ids, options)));
  withFilters(dlq.command('drop'))
    .description('delete letters for good')
    .argument('[message-id...]')
    .option('--all', 'all letters; needed when nothing else is said')
    .option('--dry-run', 'say what would be done')
    .option('--yes', 'do not ask')
    .action(async (ids: string[], options: DlqOptions) => finish(await dropLetters(clone, ids, options)));
}
