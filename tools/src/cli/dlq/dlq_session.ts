import { DeadLetterOffice } from '@warren/rabbit';
import type { Clone } from '../../clone/clone.ts';
import { Interrupt } from '../../processes/interrupt.ts';
import { ToolError } from '../../tool_error.ts';
import type { LetterFilter } from './letter_filter.ts';
import { opsUrl } from './ops_url.ts';

const PROGRESS_MS = 2_000;
/** As a shell counts a program that SIGINT ended. */
export const INTERRUPTED = 130;

/** One command at work: its connection, its signal, and the lines that say how far it is. */
export interface DlqSession {
  readonly office: DeadLetterOffice;
  readonly signal: AbortSignal;
  /** Replaces what the next sign of life says. */
  readonly note: (text: string) => void;
}

/** Runs a command as the operator's broker user. Signs of life go to standard error, so that results can be piped. */
export async function withOffice(clone: Clone, work: (session: DlqSession) => Promise<number>): Promise<number> {
  const interrupt = new Interrupt();
  const stop = new AbortController();
  void interrupt.pressed.then(() => stop.abort());
  const office = await DeadLetterOffice.open(opsUrl(clone));
  let line = '';
  const ticker = setInterval(() => {
    if (line !== '') process.stderr.write(`${line}\n`);
  }, PROGRESS_MS);
  try {
    return await work({ office, signal: stop.signal, note: (text) => void (line = text) });
  } finally {
    clearInterval(ticker);
    await office.close();
  }
}

/** The queues that the broker has. @throws ToolError when one that was named is missing */
export async function presentQueues(office: DeadLetterOffice, filter: LetterFilter): Promise<readonly string[]> {
  const present: string[] = [];
  for (const queue of filter.queues) {
    if ((await office.count(queue)) !== undefined) present.push(queue);
    else if (filter.named) throw new ToolError(`The broker has no queue ${queue}: its service has never run here.`);
  }
  return present;
}

export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

/** `12,345`, for people. */
export const inWords = (count: number): string => count.toLocaleString('en');
