import path from 'node:path';
import {
  adoptPrivatePostgres,
  adoptPrivateRabbit,
  adoptPrivateRedis,
  installServerPackages,
  type PrivateRabbit,
  type PrivateServer,
  type PrivateServerOptions,
  type ServerKind,
  startPrivatePostgres,
  startPrivateRabbit,
  startPrivateRedis,
} from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { withProgress } from '../output.ts';

/** Servers of this clone's own, started by nobody else. */
export interface PrivateServers {
  rabbitmq?: PrivateRabbit;
  postgres?: PrivateServer;
  redis?: PrivateServer;
}

const dataDirOf = (clone: Clone, kind: ServerKind): string => path.join(clone.dataDir, kind);

/** The private servers of this clone that run now. */
export async function runningPrivateServers(clone: Clone): Promise<PrivateServers> {
  const [rabbitmq, postgres, redis] = await Promise.all([
    adoptPrivateRabbit(dataDirOf(clone, 'rabbitmq')),
    adoptPrivatePostgres(dataDirOf(clone, 'postgres')),
    adoptPrivateRedis(dataDirOf(clone, 'redis')),
  ]);
  return {
    ...(rabbitmq === undefined ? {} : { rabbitmq }),
    ...(postgres === undefined ? {} : { postgres }),
    ...(redis === undefined ? {} : { redis }),
  };
}

/**
 * Makes sure that private servers of these kinds run: adopts those that do, installs what the machine lacks (Debian or Ubuntu, as root)
 * and starts the rest. They outlive this process. `started` names those that were not running before.
 */
export async function ensurePrivateServers(
  clone: Clone,
  kinds: readonly ServerKind[],
): Promise<{ servers: PrivateServers; started: ServerKind[] }> {
  const before = await runningPrivateServers(clone);
  const started = kinds.filter((kind) => before[kind] === undefined);
  if (started.length === 0) return { servers: before, started };
  await withProgress(`installing ${started.join(', ')}`, (progress) =>
    installServerPackages(started, (line) => progress.note(line)),
  );
  const servers = { ...before };
  await withProgress(`starting ${started.join(', ')}`, async (progress) => {
    const options = (kind: ServerKind): PrivateServerOptions => ({
      dataDir: dataDirOf(clone, kind),
      detached: true,
      // Nobody misses the data of a test run after a power cut, and two cores feel every fsync.
      durable: process.env['CI'] === undefined,
      onProgress: (line) => progress.note(line),
    });
    const start = {
      rabbitmq: async () => void (servers.rabbitmq = await startPrivateRabbit(options('rabbitmq'))),
      postgres: async () => void (servers.postgres = await startPrivatePostgres(options('postgres'))),
      redis: async () => void (servers.redis = await startPrivateRedis(options('redis'))),
    };
    await Promise.all(started.map((kind) => start[kind]()));
  });
  return { servers, started };
}

/** Stops these private servers, or deletes them with their data. */
export async function stopPrivateServers(
  servers: PrivateServers,
  options: { destroy: boolean },
): Promise<ServerKind[]> {
  const running = [servers.rabbitmq, servers.postgres, servers.redis].filter((server) => server !== undefined);
  await Promise.all(running.map((server) => (options.destroy ? server.destroy() : server.stop())));
  return running.map((server) => server.kind);
}
