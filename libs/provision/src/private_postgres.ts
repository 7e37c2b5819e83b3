import fs from 'node:fs';
import path from 'node:path';
import {
  adoptServer,
  type LaunchContext,
  type PrivateServer,
  type PrivateServerOptions,
  type ServerRecipe,
  startServer,
} from './private_server.ts';
import { ProvisionError } from './provision_error.ts';
import { postgresIsReady } from './readiness.ts';
import { runCommand } from './run_command.ts';
import { requireServer } from './server_binaries.ts';
import { writePrivate } from './server_home.ts';
import { startServerProcess } from './server_process.ts';

const USER = 'warren';
const INITDB_TIMEOUT_MS = 180_000;
const MAX_CONNECTIONS = 200;

/**
 * A power cut costs data then. Commits stay synchronous: a killed server must not forget what it acknowledged, or
 * tests of kills prove nothing.
 */
const UNSAFE_SETTINGS = ['fsync=off', 'full_page_writes=off'];

const locale = (): string => (process.platform === 'linux' ? 'C.UTF-8' : 'C');

async function createCluster(context: LaunchContext, bin: string, data: string): Promise<void> {
  const { home, account, password, onProgress } = context;
  onProgress('creating a new Postgres data folder');
  const draft = path.join(home, 'data.new');
  const passwordFile = path.join(home, 'password');
  fs.rmSync(draft, { recursive: true, force: true });
  writePrivate(passwordFile, `${password}\n`, account);
  const settings = [
    '--encoding=UTF8',
    `--locale=${locale()}`,
    '--auth=scram-sha-256',
    ...(context.durable ? [] : ['--no-sync']),
  ];
  const command = [path.join(bin, 'initdb'), '-D', draft, '-U', USER, `--pwfile=${passwordFile}`, ...settings];
  const ids = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  const result = await runCommand(command, { cwd: home, timeoutMs: INITDB_TIMEOUT_MS, env: { HOME: home }, ...ids });
  fs.rmSync(passwordFile, { force: true });
  if (result.code !== 0) {
    throw new ProvisionError('PROVISION_COMMAND_FAILED', `initdb failed: ${result.stderr.trim().slice(-600)}`);
  }
  // Under its final name the folder is complete: an interrupted initdb leaves only the draft.
  fs.renameSync(draft, data);
}

function removeStaleLock(data: string): void {
  // Every server process of this folder has been ended by now, so a lock names a number that another program may have
  // got since;
  // Postgres would refuse to start. Without /proc nobody can know, and Postgres decides by itself.
  if (process.platform === 'linux') fs.rmSync(path.join(data, 'postmaster.pid'), { force: true });
}

const recipe: ServerRecipe = {
  kind: 'postgres',
  accountName: 'postgres',
  plainPathOnly: false,
  // Fast shutdown: SIGTERM would wait until the last client has left.
  stopSignal: 'SIGINT',
  graceMs: 30_000,
  readyTimeoutMs: 120_000,
  async launch(context) {
    const { home, port, account, logFile } = context;
    const bin = requireServer('postgres');
    const data = path.join(home, 'data');
    if (!fs.existsSync(path.join(data, 'PG_VERSION'))) await createCluster(context, bin, data);
    removeStaleLock(data);
    const settings = [
      'listen_addresses=127.0.0.1',
      // A socket path may be 108 bytes long, a data folder longer.
      'unix_socket_directories=',
      `max_connections=${MAX_CONNECTIONS}`,
      ...(context.durable ? [] : UNSAFE_SETTINGS),
    ].flatMap((setting) => ['-c', setting]);
    const command = [path.join(bin, 'postgres'), '-D', data, '-p', String(port), ...settings];
    return { server: await startServerProcess({ command, cwd: home, logFile, account, env: { HOME: home } }) };
  },
  isReady: (state) => postgresIsReady(state.port, USER),
  url: (state) => `postgres://${USER}:${state.password}@127.0.0.1:${state.port}/postgres`,
};

/**
 * Starts a Postgres of one's own on 127.0.0.1 (the user of the URL is superuser), or adopts the one that runs in the
 * data folder.
 */
export async function startPrivatePostgres(options: PrivateServerOptions): Promise<PrivateServer> {
  return (await startServer(recipe, options)).server;
}

/** The Postgres that runs in the data folder, or undefined. */
export async function adoptPrivatePostgres(dataDir: string): Promise<PrivateServer | undefined> {
  return (await adoptServer(recipe, dataDir))?.server;
}
