import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { type Judgement, judge } from './judge.ts';
import { PROFILES, type Profile } from './profiles.ts';
import { readRun, writeRun } from './report/run_file.ts';
import { runLab } from './run_lab.ts';
import { describeTimeline, makeTimeline } from './schedule/make_timeline.ts';

const MINUTE_MS = 60_000;
const MAX_SHOWN = 40;
const ROOT = path.resolve(import.meta.dirname, '../..');
const USAGE_EXIT = 2;
const INTERRUPTED_EXIT = 130;

const Options = z.object({
  seed: z.coerce.number().int().min(0).default(42),
  minutes: z.coerce.number().positive().max(360).optional(),
  rate: z.coerce.number().positive().max(5_000).optional(),
  profile: z.string().default('mixed'),
  replay: z.string().optional(),
  judge: z.string().optional(),
  tree: z.string().default(ROOT),
  out: z.string().optional(),
});
type Options = z.output<typeof Options>;

const Recorded = z.object({
  seed: z.int(),
  profile: z.string(),
  durationMs: z.number(),
  timeline: z.array(
    z.object({ id: z.int(), atMs: z.number(), kind: z.string(), target: z.string(), holdMs: z.number() }),
  ),
});
type Recorded = z.output<typeof Recorded>;

class UsageError extends Error {}

const started = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(7);
  process.stdout.write(`[${seconds}s] ${line}\n`);
};

function readOptions(): Options {
  const options = Object.fromEntries(Object.keys(Options.shape).map((name) => [name, { type: 'string' } as const]));
  try {
    const parsed = Options.safeParse(parseArgs({ options }).values);
    if (parsed.success) return parsed.data;
    throw new UsageError(z.prettifyError(parsed.error));
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(String(error));
  }
}

function profileOf(name: string, rate: number | undefined): Profile {
  const known = PROFILES[name];
  if (known === undefined)
    throw new UsageError(`there is no profile "${name}"; there are ${Object.keys(PROFILES).join(', ')}`);
  return { ...known, commandsPerSecond: rate ?? known.commandsPerSecond };
}

/** The run to make: recorded earlier, or made of seed and profile. */
function recordedOf(options: Options, profile: Profile): Recorded {
  const durationMs = (options.minutes ?? profile.minutes) * MINUTE_MS;
  const timeline = makeTimeline(profile.plan, options.seed, durationMs);
  return { seed: options.seed, profile: profile.name, durationMs, timeline };
}

const readRecorded = (file: string): Recorded => Recorded.parse(JSON.parse(fs.readFileSync(file, 'utf8')));

function report(judgement: Judgement, folder: string): void {
  const { violations, sightings, figures } = judgement;
  fs.writeFileSync(path.join(folder, 'report.json'), JSON.stringify(judgement, null, 2));
  for (const [name, value] of Object.entries(figures)) say(`${name.padEnd(36)} ${value}`);
  for (const [name, count] of Object.entries(sightings)) say(`sometimes: ${name.padEnd(25)} ${count}`);
  for (const { invariant, message } of violations.slice(0, MAX_SHOWN)) say(`VIOLATION ${invariant}: ${message}`);
  if (violations.length > MAX_SHOWN) say(`… and ${violations.length - MAX_SHOWN} more, in report.json`);
}

/** Makes the run and keeps everything that it left behind. */
async function run(
  recorded: Recorded,
  profile: Profile,
  options: Options & { readonly folder: string },
): Promise<void> {
  const { seed, durationMs, timeline } = recorded;
  const { folder } = options;
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(recordFileOf(folder), JSON.stringify(recorded, null, 2));
  const minutes = durationMs / MINUTE_MS;
  say(`fault lab: profile ${profile.name}, seed ${seed}, ${minutes} minutes, ${timeline.length} faults, in ${folder}`);
  for (const line of describeTimeline(timeline)) process.stdout.write(`${line}\n`);
  const tree = path.resolve(options.tree);
  writeRun(folder, await runLab({ profile, seed, durationMs, timeline, tree, folder, say }));
}

const recordFileOf = (folder: string): string => path.join(folder, 'timeline.json');

/** Makes the run unless it was made before; resolves to the number of violations. */
async function runAndJudge(options: Options): Promise<number> {
  const made = options.judge;
  const folder = path.resolve(made ?? options.out ?? fs.mkdtempSync(path.join(os.tmpdir(), 'faultlab-')));
  const source = made === undefined ? options.replay : recordFileOf(folder);
  const before = source === undefined ? undefined : readRecorded(source);
  const profile = profileOf(before?.profile ?? options.profile, options.rate);
  const recorded = before ?? recordedOf(options, profile);
  if (made === undefined) await run(recorded, profile, { ...options, folder });
  const judgement = judge(readRun(folder), profile);
  report(judgement, folder);
  const count = judgement.violations.length;
  const verdict = count === 0 ? 'every promise was kept' : `${count} violations`;
  say(`SEED=${recorded.seed} PROFILE=${profile.name}: ${verdict}; the same again: --replay ${recordFileOf(folder)}`);
  return count;
}

// only an exit of this process takes servers and services along
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(INTERRUPTED_EXIT));
try {
  process.exitCode = (await runAndJudge(readOptions())) === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = USAGE_EXIT;
}
