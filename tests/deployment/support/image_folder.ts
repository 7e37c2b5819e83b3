import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { REPO } from '../../e2e/support/app_process.ts';
import { readRepoFile } from './compose_file.ts';
import { dockerIgnore } from './docker_ignore.ts';
import { type Step, stagesOf } from './dockerfile_steps.ts';

const STEP_TIMEOUT_MS = 180_000;
const STORE_IN_IMAGE = '/pnpm/store';
const REFERENCE = /\$\{?APP\}?/g;

/** Where packages come from when a step is run here: what the installation of this clone brought. */
interface Pnpm {
  readonly command: readonly string[];
  readonly store: string;
}

export function findPnpm(): Pnpm {
  const script = process.env['WARREN_PNPM'];
  const command = script === undefined ? ['pnpm'] : [process.execPath, script];
  const [program = '', ...args] = command;
  const answer = spawnSync(program, [...args, 'store', 'path'], { cwd: REPO, encoding: 'utf8' });
  if (answer.status !== 0) throw new Error(`pnpm does not run: ${answer.stderr}`);
  // The path ends with the version of the store's format, which pnpm adds by itself.
  return { command, store: path.dirname(answer.stdout.trim()) };
}

function copyHonouring(ignored: (file: string) => boolean, source: string, target: string): void {
  if (ignored(source)) return;
  const from = path.join(REPO, source);
  if (!fs.statSync(from).isDirectory()) {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(from, target);
    return;
  }
  for (const name of fs.readdirSync(from))
    copyHonouring(ignored, path.posix.join(source, name), path.join(target, name));
}

/** A `COPY` of the build context. A folder gives its content, a file goes below a target that ends with a slash. */
function runCopy(step: Step, folder: string): void {
  const sources = step.words.slice(0, -1);
  const target = step.words.at(-1) ?? '';
  const ignored = dockerIgnore();
  for (const source of sources) {
    const name =
      target.endsWith('/') && !fs.statSync(path.join(REPO, source)).isDirectory() ? path.basename(source) : '';
    copyHonouring(ignored, source, path.join(folder, target, name));
  }
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

function runCommand(step: Step, folder: string, pnpm: Pnpm): void {
  // The machine has its pnpm already; which version the image takes is compared by a test.
  if (step.text.startsWith('npm install --global')) return;
  const offline = step.text.includes('--offline') ? step.text : step.text.replace('pnpm fetch', 'pnpm fetch --offline');
  const script = offline
    .replaceAll(STORE_IN_IMAGE, quote(pnpm.store))
    .replace('--config.package-import-method=copy', '')
    .replace(/\bpnpm (?=fetch|install)/g, `${pnpm.command.map(quote).join(' ')} `);
  const env = {
    PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: process.env['HOME'] ?? '/',
    CI: 'true',
  };
  const result = spawnSync('sh', ['-ec', script], { cwd: folder, env, encoding: 'utf8', timeout: STEP_TIMEOUT_MS });
  if (result.status !== 0)
    throw new Error(`${script} failed: ${result.stdout.slice(-2_000)} ${result.stderr.slice(-2_000)}`);
}

/** Runs one stage of the Dockerfile here, in an empty folder. */
function runStage(name: string, app: string, folder: string): void {
  const stage = stagesOf(readRepoFile('Dockerfile')).find((one) => one.name === name);
  if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  const pnpm = findPnpm();
  fs.mkdirSync(folder, { recursive: true });
  for (const step of stage.steps) {
    const filled = { ...step, text: step.text.replace(REFERENCE, app) };
    if (step.keyword === 'COPY') runCopy(filled, folder);
    if (step.keyword === 'RUN') runCommand(filled, folder, pnpm);
  }
}

/** What all images have in common: the packages, which are there already. */
export const fetchPackages = (folder: string): void => runStage('fetch', '', folder);

/** The folder that the image of one app holds. */
export const buildImageFolder = (app: string, folder: string): void => runStage('install', app, folder);
