import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { MUTANTS, type Mutant } from './mutants/mutant_list.ts';
import { MutantTree } from './mutants/mutant_tree.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PATCHES = path.join(import.meta.dirname, 'mutants');
const LAB = path.join(import.meta.dirname, 'main.ts');
/** Not `.log`: that is what the services write. */
const OUTPUT = 'lab.txt';
const SHOWN = 3;

const Report = z.object({ violations: z.array(z.object({ invariant: z.string(), message: z.string() })) });

interface LabRun {
  readonly code: number;
  /** Of everything that the run left behind. */
  readonly folder: string;
  readonly violations: z.output<typeof Report>['violations'];
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** One run of the lab in a process of its own. */
async function runLab(profile: string, tree: string, seed: string): Promise<LabRun> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'faultlab-'));
  const log = fs.openSync(path.join(folder, OUTPUT), 'w');
  const args = [LAB, '--profile', profile, '--tree', tree, '--seed', seed, '--out', folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', log, log] });
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1)));
  fs.closeSync(log);
  const file = path.join(folder, 'report.json');
  if (!fs.existsSync(file)) return { code, folder, violations: [{ invariant: 'LAB', message: lastLines(folder) }] };
  const { violations } = Report.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  return { code, folder, violations };
}

const lastLines = (folder: string): string =>
  fs.readFileSync(path.join(folder, OUTPUT), 'utf8').trimEnd().split('\n').slice(-SHOWN).join(' | ');

/** Says something about the run, not about Warren. */
const NO_EVIDENCE: ReadonlySet<string> = new Set(['SOMETIMES', 'LAB']);

/** What the lab has against the mutant: promises that it broke. */
const evidenceOf = ({ violations }: LabRun): LabRun['violations'] =>
  violations.filter(({ invariant }) => !NO_EVIDENCE.has(invariant));

/** Shows what was found, and keeps the folder of a run that did not end as it should. */
function conclude({ violations, folder }: LabRun, good: boolean): boolean {
  for (const { invariant, message } of violations.slice(0, SHOWN)) say(`    ${invariant}: ${message.slice(0, 200)}`);
  if (good) fs.rmSync(folder, { recursive: true, force: true });
  else say(`    see ${folder}`);
  return good;
}

async function proveClean(profile: string, seed: string): Promise<boolean> {
  const run = await runLab(profile, ROOT, seed);
  say(`clean     ${profile.padEnd(24)} ${run.code === 0 ? 'no complaint' : 'FALSE ALARM'}`);
  return conclude(run, run.code === 0);
}

async function proveMutant({ name, summary, profile }: Mutant, seed: string): Promise<boolean> {
  using tree = new MutantTree(ROOT, path.join(PATCHES, `${name}.patch`));
  const run = await runLab(profile, tree.root, seed);
  const killed = evidenceOf(run).length > 0;
  say(`mutant    ${name.padEnd(24)} ${killed ? 'killed' : 'SURVIVED'} (${summary}; profile ${profile})`);
  return conclude(run, killed);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string', default: '1' }, 'skip-clean': { type: 'boolean', default: false } },
  });
  const { seed } = values;
  const chosen =
    positionals.length === 0
      ? MUTANTS
      : MUTANTS.filter(({ name }) => positionals.some((part) => name.startsWith(part)));
  let bad = 0;
  if (!values['skip-clean']) {
    for (const profile of new Set(chosen.map((mutant) => mutant.profile)))
      if (!(await proveClean(profile, seed))) bad += 1;
  }
  for (const mutant of chosen) if (!(await proveMutant(mutant, seed))) bad += 1;
  say(bad === 0 ? `all ${chosen.length} mutants were killed, without a false alarm` : `${bad} failed`);
  return bad === 0 && chosen.length > 0 ? 0 : 1;
}

process.exitCode = await main();
