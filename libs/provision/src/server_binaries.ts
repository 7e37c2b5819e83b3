import fs from 'node:fs';
import path from 'node:path';
import { ProvisionError } from './provision_error.ts';

export type ServerKind = 'rabbitmq' | 'postgres' | 'redis';

const POSTGRES_ROOTS = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/usr/local/pgsql'];
const PLAIN_BIN_DIRS = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];
// Debian's /usr/sbin/rabbitmq-server insists on root and the system's own data folder; the script behind it does not.
const RABBIT_BIN_DIRS = [
  '/usr/lib/rabbitmq/bin',
  '/opt/rabbitmq/sbin',
  '/opt/homebrew/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
];

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

// The newest version first: 17 before 9.6.
function postgresBinDirs(): string[] {
  const versioned = POSTGRES_ROOTS.flatMap((root) => list(root).map((name) => ({ root, name })))
    .map(({ root, name }) => ({
      dir: path.join(root, name, 'bin'),
      version: Number(/(\d+(?:\.\d+)?)$/.exec(name)?.[1] ?? 0),
    }))
    .sort((a, b) => b.version - a.version)
    .map(({ dir }) => dir);
  return [...versioned, '/usr/local/pgsql/bin', ...PLAIN_BIN_DIRS];
}

/** The directory that holds all these programs, as it is called in `root`. */
function directoryWith(directories: readonly string[], programs: readonly string[], root = '/'): string | undefined {
  return directories.find((directory) =>
    programs.every((program) => isExecutable(path.join(root, directory, program))),
  );
}

/**
 * Where the programs of a server are: the directory with rabbitmq-server and rabbitmqctl, initdb and postgres, or
 * redis-server. Undefined when it is not installed.
 */
export function findServer(kind: ServerKind): string | undefined {
  if (kind === 'rabbitmq') return directoryWith(RABBIT_BIN_DIRS, ['rabbitmq-server', 'rabbitmqctl']);
  if (kind === 'postgres') return directoryWith(postgresBinDirs(), ['initdb', 'postgres']);
  return directoryWith(PLAIN_BIN_DIRS, ['redis-server']);
}

/** As `findServer`, or PROVISION_SERVER_NOT_INSTALLED. */
export function requireServer(kind: ServerKind): string {
  const directory = findServer(kind);
  if (directory !== undefined) return directory;
  throw notInstalled(`The programs of ${kind} are`, 'on this machine');
}

/** The programs of RabbitMQ, by the names that they have in `root`. */
export interface RabbitPrograms {
  server: string;
  ctl: string;
  /** Erlang's register of nodes. */
  epmd: string;
}

/** @throws ProvisionError PROVISION_SERVER_NOT_INSTALLED */
export function rabbitPrograms(root = '/'): RabbitPrograms {
  const program = (directories: readonly string[], name: string): string => {
    const directory = directoryWith(directories, [name], root);
    if (directory !== undefined) return path.join(directory, name);
    throw notInstalled(`${name}, which RabbitMQ needs, is`, root === '/' ? 'on this machine' : `in ${root}`);
  };
  return {
    server: program(RABBIT_BIN_DIRS, 'rabbitmq-server'),
    ctl: program(RABBIT_BIN_DIRS, 'rabbitmqctl'),
    epmd: program([...PLAIN_BIN_DIRS, '/usr/lib/erlang/bin'], 'epmd'),
  };
}

function notInstalled(what: string, where: string): ProvisionError {
  return new ProvisionError('PROVISION_SERVER_NOT_INSTALLED', `${what} not installed ${where}.`);
}

/** Where a program is that every user of the machine finds. Undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const directory = directoryWith([...PLAIN_BIN_DIRS, '/bin'], [name]);
  return directory === undefined ? undefined : path.join(directory, name);
}
