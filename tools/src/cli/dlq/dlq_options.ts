import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from './duration.ts';
import { type LetterFilter, queuesNamed } from './letter_filter.ts';

/** What all commands about dead letters know, as commander hands it over. */
export interface DlqOptions {
  readonly queue?: readonly string[];
  readonly source?: string;
  readonly command?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly olderThan?: number;
  readonly newerThan?: number;
  readonly limit?: number;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
}

const MAX_LIMIT = 10_000_000;

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Say it like 90s, 30m, 2h, 7d or 1w.');
  return ms;
}

function limit(text: string): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX_LIMIT) throw new InvalidArgumentError(`Say a number from 1 to ${MAX_LIMIT}.`);
  return value;
}

const collect = (name: string, before: readonly string[] = []): readonly string[] => [...before, name];

/** Adds the options that narrow letters down. */
export function withFilters(command: Command): Command {
  return command
    .option('-q, --queue <name>', 'dead letters of this service (allocator, unroutable); may be repeated', collect)
    .option('--source <queue>', 'that came from this queue, such as allocator.commands')
    .option('--command <name>', 'of this command or event, such as allocator.assign_game')
    .option('--reason <reason>', 'parked for this reason, such as defect or retries_exhausted')
    .option('--code <code>', 'that failed with this error code')
    .option('--older-than <age>', 'parked longer ago than 90s, 30m, 2h, 7d …', duration)
    .option('--newer-than <age>', 'parked no longer ago than that', duration)
    .option('--limit <count>', 'at most this many of each queue, from its head', limit)
    .option('--json', 'print JSON');
}

export function filterOf(options: DlqOptions, ids: readonly string[] = []): LetterFilter {
  const { queue = [], source, command, reason, code, olderThan, newerThan } = options;
  return {
    queues: queuesNamed(queue),
    named: queue.length > 0,
    ids,
    ...(source === undefined ? {} : { source }),
    ...(command === undefined ? {} : { command }),
    ...(reason === undefined ? {} : { reason }),
    ...(code === undefined ? {} : { code }),
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
    ...(newerThan === undefined ? {} : { newerThanMs: newerThan }),
  };
}
