import fs from 'node:fs';
import * as z from 'zod';

const Line = z.object({ level: z.string(), time: z.iso.datetime(), msg: z.string().optional(), pid: z.int() });

/** What the log of one replica says about itself. */
export interface LogReview {
  readonly replica: string;
  /** Lines that no process of ours may write: fatal, unhandled, no JSON. */
  readonly alarms: readonly string[];
  /** What was written to standard error. */
  readonly stderr: string;
  /** Most lines of level warn or worse within ten seconds. */
  readonly loudest: { readonly lines: number; readonly from: string };
  /** How often each message was written at level warn or worse. */
  readonly messages: Readonly<Record<string, number>>;
}

const WINDOW_MS = 10_000;
const LOUD = new Set(['warn', 'error', 'fatal']);
const MAX_ALARMS = 20;
const MAX_LINE = 300;
/** Node says on standard error that a preloaded module or the compile cache is experimental; that is the lab's doing. */
const HARMLESS = /^(\(node:\d+\) |\(Use `node --trace-warnings)/;

export function reviewLog(replica: string, text: string, stderr: string): LogReview {
  const alarms: string[] = [];
  const messages: Record<string, number> = {};
  const windows = new Map<number, number>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const parsed = Line.safeParse(readJson(line));
    if (!parsed.success || isAlarm(parsed.data.level, line)) alarms.push(line.slice(0, MAX_LINE));
    if (!parsed.success || !LOUD.has(parsed.data.level)) continue;
    const { msg = '', time } = parsed.data;
    messages[msg] = (messages[msg] ?? 0) + 1;
    const window = Math.floor(Date.parse(time) / WINDOW_MS);
    windows.set(window, (windows.get(window) ?? 0) + 1);
  }
  return {
    replica,
    alarms: alarms.slice(0, MAX_ALARMS),
    stderr: withoutHarmless(stderr),
    loudest: loudestOf(windows),
    messages,
  };
}

export function reviewLogFile(replica: {
  readonly id: string;
  readonly logFile: string;
  readonly errorFile: string;
}): LogReview {
  return reviewLog(replica.id, fs.readFileSync(replica.logFile, 'utf8'), fs.readFileSync(replica.errorFile, 'utf8'));
}

const isAlarm = (level: string, line: string): boolean => level === 'fatal' || /unhandled|uncaught/i.test(line);

function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const withoutHarmless = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => line !== '' && !HARMLESS.test(line))
    .join('\n');

function loudestOf(windows: ReadonlyMap<number, number>): LogReview['loudest'] {
  let loudest = { lines: 0, from: '' };
  for (const [window, lines] of windows) {
    if (lines > loudest.lines) loudest = { lines, from: new Date(window * WINDOW_MS).toISOString() };
  }
  return loudest;
}
