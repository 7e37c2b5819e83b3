/**
 * Runs a command and prints what it and everything it started took: peak memory for each process and together, disk and time.
 * Usage: node measure_stack.mjs <command> [<argument>…], in the root of the project, on Linux. Ends with the command's exit code.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const SAMPLE_MS = 500;
const MIB = 1024;
const LINE_CHARS = 80;

const [program, ...args] = process.argv.slice(2);
if (program === undefined) throw new Error('usage: node measure_stack.mjs <command> [<argument>…]');

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** pid → parent, name and identity of every process; the name may hold blanks and brackets, so it is cut at the last one. */
function processes() {
  const found = [];
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields.length > 20) found.push({ pid: Number(pid), parent: Number(fields[1]), started: fields[19] });
  }
  return found;
}

/** What a command line says of a process; the first that fits. */
const TITLES = [
  [/tools\/src\/main\.ts/, 'tools (npm start itself)'],
  [/warren\.mjs/, 'bootstrap'],
  [/\b(apt|apt-get|dpkg)\b/, 'apt-get and dpkg'],
  [/beam\.smp.*(-s rabbit|rabbit boot)/, 'rabbitmq'],
  [/beam\.smp/, 'rabbitmqctl'],
  [/redis-server/, 'redis'],
  [/^postgres|\/postgres( |$)/, 'postgres (all its processes)'],
  [/pnpm/, 'pnpm (installation)'],
  [/\bnpm\b/, 'npm'],
];

/** What a process is for people. */
function titleOf(pid) {
  const line = read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean).join(' ');
  const script = /(?:apps|examples)\/([^/ ]+)\/src\/main\.ts/.exec(line)?.[1];
  return script ?? TITLES.find(([pattern]) => pattern.test(line))?.[1] ?? 'others (shells, helpers)';
}

/** Resident memory in KiB, and the proportional share, in which a page that n processes share counts 1/n for each. */
function memoryOf(pid) {
  const text = read(`/proc/${pid}/smaps_rollup`);
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const rss = field('Rss') || Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  return { rss, pss: field('Pss') || rss };
}

const ours = new Set();
const peaks = new Map();
let total = { pss: 0, rss: 0 };
/** The stack proper: what stays up, without installers and npm. */
let stack = { pss: 0, rss: 0 };
const PASSING = new Set(['pnpm (installation)', 'apt-get and dpkg', 'npm', 'rabbitmqctl', 'others (shells, helpers)']);

function sample(root) {
  const all = processes();
  const known = (pid) => ours.has(pid) || pid === root;
  const identity = new Map(all.map(({ pid, started }) => [pid, `${pid} ${started}`]));
  // Children have larger numbers than parents nearly always; who was missed comes with the next sample. A server that was started in
  // the background loses its parent, but has been seen before.
  for (const { pid, parent } of all.toSorted((a, b) => a.pid - b.pid)) {
    if (pid === root || (known(parent) && parent !== 0) || seen.has(identity.get(pid))) {
      ours.add(pid);
      seen.add(identity.get(pid));
    } else ours.delete(pid);
  }
  const now = new Map();
  for (const { pid } of all.filter((one) => ours.has(one.pid))) {
    const title = titleOf(pid);
    const { rss, pss } = memoryOf(pid);
    const sum = now.get(title) ?? { rss: 0, pss: 0 };
    now.set(title, { rss: sum.rss + rss, pss: sum.pss + pss });
  }
  const add = (sums) =>
    sums.reduce((sum, { rss, pss }) => ({ rss: sum.rss + rss, pss: sum.pss + pss }), { rss: 0, pss: 0 });
  const larger = (a, b) => (b.pss > a.pss ? b : a);
  for (const [title, sum] of now) peaks.set(title, larger(peaks.get(title) ?? sum, sum));
  total = larger(total, add([...now.values()]));
  stack = larger(stack, add([...now].filter(([title]) => !PASSING.has(title)).map(([, sum]) => sum)));
}

const seen = new Set();
const mib = (kib) => `${(kib / MIB).toFixed(0)} MiB`.padStart(9);
const say = (line) => process.stdout.write(`measure: ${line}\n`);

function diskOf(name) {
  const result = spawnSync('du', ['-sk', path.join(process.cwd(), name)], { encoding: 'utf8' });
  return result.status === 0 ? Number(result.stdout.split('\t')[0]) : undefined;
}

const begin = performance.now();
const milestones = [];
const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
let rest = '';
child.stdout.setEncoding('utf8').on('data', (text) => {
  process.stdout.write(text);
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  const at = ((performance.now() - begin) / 1000).toFixed(1);
  for (const line of lines)
    if (/done in|: step \d|^\[.*\] setup:|ready|match: ended/.test(line))
      milestones.push(`${at.padStart(6)} s  ${line.slice(0, LINE_CHARS)}`);
});
const timer = setInterval(() => sample(child.pid ?? 0), SAMPLE_MS);
child.once('error', (error) => {
  clearInterval(timer);
  process.stderr.write(`${program}: ${error.message}\n`);
  process.exitCode = 1;
});
child.once('close', (code) => {
  clearInterval(timer);
  say('peak memory            resident  proportional');
  for (const [title, { rss, pss }] of [...peaks].toSorted((a, b) => b[1].pss - a[1].pss))
    say(`${title.padEnd(28)}${mib(rss)} ${mib(pss)}`);
  say(`${'the running stack together'.padEnd(28)}${mib(stack.rss)} ${mib(stack.pss)}`);
  say(`${'everything together'.padEnd(28)}${mib(total.rss)} ${mib(total.pss)}`);
  for (const name of ['node_modules', '.warren/toolchain', '.warren/data', '.warren', '.git', '.']) {
    const size = diskOf(name);
    if (size !== undefined) say(`disk ${name.padEnd(23)}${mib(size)}`);
  }
  for (const line of milestones) say(`time ${line}`);
  say(`time ${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  end`);
  process.exitCode = code ?? 1;
});
