import fs from 'node:fs';
import { readEnvironment } from '@warren/kernel';
import { listenersOn } from './listening.ts';
import { withoutServiceStarts } from './policy_rc.ts';
import type { ProcessIdentity } from './process_identity.ts';
import { ProvisionError } from './provision_error.ts';
import { type RunOptions, type RunResult, runCommand } from './run_command.ts';
import { findProgram, findServer, type ServerKind } from './server_binaries.ts';
import { stopProcess } from './server_process.ts';

const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
const PACKAGE_OF: Record<ServerKind, string> = {
  rabbitmq: 'rabbitmq-server',
  postgres: 'postgresql',
  redis: 'redis-server',
};
/** epmd, AMQP, AMQPS, Erlang's distribution, management API, Postgres, Redis. */
const STANDARD_PORTS: ReadonlySet<number> = new Set([4369, 5671, 5672, 15672, 25672, 5432, 6379]);
const INSTALL_TIMEOUT_MS = 15 * 60_000;
const LOCK_TIMEOUT_S = 120;
const STOP_GRACE_MS = 10_000;
const MAX_MESSAGE_CHARS = 600;

/** The machine as the installation sees it; replaced in tests. */
export interface InstallSystem {
  isRoot: boolean;
  aptGet: string;
  policyFile: string;
  isInstalled: (kind: ServerKind) => boolean;
  hasProgram: (name: string) => boolean;
  run: (command: readonly string[], options: RunOptions) => Promise<RunResult>;
  listeners: (ports: ReadonlySet<number>) => ProcessIdentity[];
}

function thisMachine(): InstallSystem {
  return {
    isRoot: process.getuid?.() === 0,
    aptGet: '/usr/bin/apt-get',
    policyFile: '/usr/sbin/policy-rc.d',
    isInstalled: (kind) => findServer(kind) !== undefined,
    hasProgram: (name) => findProgram(name) !== undefined,
    run: runCommand,
    listeners: listenersOn,
  };
}

type Watch = Pick<RunOptions, 'onLine' | 'signal'>;

function apt(system: InstallSystem, args: readonly string[], watch: Watch): Promise<RunResult> {
  const command = [system.aptGet, '-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`, ...args];
  return system.run(command, {
    env: { DEBIAN_FRONTEND: 'noninteractive', ...proxySettings() },
    timeoutMs: INSTALL_TIMEOUT_MS,
    ...watch,
  });
}

function requirePossible(system: InstallSystem, packages: readonly string[]): void {
  const wanted = packages.join(' ');
  if (!fs.existsSync(system.aptGet)) {
    throw new ProvisionError(
      'PROVISION_INSTALL_NOT_POSSIBLE',
      `This machine has no apt-get; install by hand: ${wanted}.`,
    );
  }
  if (!system.isRoot) {
    const advice = `sudo apt-get install ${wanted}`;
    throw new ProvisionError('PROVISION_INSTALL_NOT_POSSIBLE', `Only root can install packages; run \`${advice}\`.`);
  }
}

// The maintainer script of RabbitMQ asks Erlang for a cookie, and that starts epmd without asking policy-rc.d.
async function stopNewListeners(system: InstallSystem, before: readonly ProcessIdentity[]): Promise<void> {
  const known = new Set(before.map(({ pid, startTime }) => `${pid} ${startTime}`));
  const fresh = system.listeners(STANDARD_PORTS).filter(({ pid, startTime }) => !known.has(`${pid} ${startTime}`));
  await Promise.all(fresh.map((identity) => stopProcess(identity, { graceMs: STOP_GRACE_MS })));
}

async function install(system: InstallSystem, packages: readonly string[], watch: Watch): Promise<void> {
  // A stale or partly unreachable package list is no reason to give up: the installation itself decides.
  await apt(system, ['update'], watch);
  const before = system.listeners(STANDARD_PORTS);
  try {
    const result = await apt(system, ['install', '--yes', '--no-install-recommends', ...packages], watch);
    if (result.code === 0) return;
    const said = result.stderr.trim().slice(-MAX_MESSAGE_CHARS);
    throw new ProvisionError('PROVISION_INSTALL_FAILED', `apt-get could not install ${packages.join(' ')}: ${said}`);
  } finally {
    await stopNewListeners(system, before);
  }
}

/**
 * Installs the Debian packages of those servers that this machine lacks, as root by apt-get. None of them is started,
 * now or by the
 * installation, and nothing new listens on a standard port afterwards. Resolves to the packages installed; none when
 * all were there.
 * @throws ProvisionError PROVISION_INSTALL_NOT_POSSIBLE (no root, no apt-get), PROVISION_INSTALL_FAILED
 */
export async function installServerPackages(
  kinds: readonly ServerKind[],
  onLine: (line: string) => void,
  system: InstallSystem = thisMachine(),
): Promise<string[]> {
  const packages = kinds.filter((kind) => !system.isInstalled(kind)).map((kind) => PACKAGE_OF[kind]);
  await installPackages(packages, onLine, system);
  return packages;
}

/**
 * As `installServerPackages`, for programs whose Debian package has their name, such as curl.
 * @throws ProvisionError PROVISION_INSTALL_NOT_POSSIBLE (no root, no apt-get), PROVISION_INSTALL_FAILED
 */
export async function installPrograms(
  names: readonly string[],
  onLine: (line: string) => void,
  system: InstallSystem = thisMachine(),
): Promise<string[]> {
  const packages = names.filter((name) => !system.hasProgram(name));
  await installPackages(packages, onLine, system);
  return packages;
}

async function installPackages(
  packages: readonly string[],
  onLine: (line: string) => void,
  system: InstallSystem,
): Promise<void> {
  if (packages.length === 0) return;
  requirePossible(system, packages);
  await withoutServiceStarts(system.policyFile, (signal) => install(system, packages, { onLine, signal }));
}

/** apt-get reaches the network the way that this process would. */
function proxySettings(): Record<string, string> {
  const env = readEnvironment();
  const settings: Record<string, string> = {};
  for (const name of PROXY_VARIABLES) {
    const value = env[name];
    if (value !== undefined) settings[name] = value;
  }
  return settings;
}
