import path from 'node:path';
import {
  adoptServer,
  type LaunchContext,
  type PrivateServer,
  type PrivateServerOptions,
  type ServerRecipe,
  startServer,
} from './private_server.ts';
import { redisIsReady } from './readiness.ts';
import { requireServer } from './server_binaries.ts';
import { writePrivate } from './server_home.ts';
import { startServerProcess } from './server_process.ts';

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

function configuration(context: LaunchContext): string {
  return [
    'bind 127.0.0.1',
    `port ${context.port}`,
    `requirepass ${context.password}`,
    `dir ${quoted(context.home)}`,
    'daemonize no',
    'save ""',
    `appendonly ${context.durable ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

const recipe: ServerRecipe = {
  kind: 'redis',
  accountName: 'redis',
  plainPathOnly: false,
  stopSignal: 'SIGTERM',
  graceMs: 20_000,
  readyTimeoutMs: 60_000,
  async launch(context) {
    const program = path.join(requireServer('redis'), 'redis-server');
    // The password is in a file that only the server reads: arguments are visible to every user of the machine.
    const file = path.join(context.home, 'redis.conf');
    writePrivate(file, configuration(context), context.account);
    const { home, logFile, account } = context;
    return { server: await startServerProcess({ command: [program, file], cwd: home, logFile, account }) };
  },
  isReady: (state) => redisIsReady(state.port, state.password),
  url: (state) => `redis://:${state.password}@127.0.0.1:${state.port}`,
};

/** Starts a Redis of one's own on 127.0.0.1, or adopts the one that runs in the data folder. */
export async function startPrivateRedis(options: PrivateServerOptions): Promise<PrivateServer> {
  return (await startServer(recipe, options)).server;
}

/** The Redis that runs in the data folder, or undefined. */
export async function adoptPrivateRedis(dataDir: string): Promise<PrivateServer | undefined> {
  return (await adoptServer(recipe, dataDir))?.server;
}
