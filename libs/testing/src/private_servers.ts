import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  type PrivateRabbitOptions,
  type PrivateServer,
  startPrivatePostgres,
  startPrivateRabbit,
  startPrivateRedis,
} from '@warren/provision';
import { DeadVhosts } from './dead_vhosts.ts';
import { tempName } from './temp_names.ts';
import { type TestBroker, testBroker } from './test_broker.ts';
import { testRabbitmqRoot } from './test_settings.ts';

/** Settings with which RabbitMQ 4 refuses what its later versions refuse anyway; 3.10 does not know them. */
const WITHOUT_DEPRECATED_FEATURES = ['transient_nonexcl_queues', 'global_qos'].map(
  (feature) => `deprecated_features.permit.${feature} = false`,
);

/** Servers of one test file, for tests that kill them. A server started again keeps its data, port and password. */
export interface PrivateServers {
  rabbit: (options?: Pick<PrivateRabbitOptions, 'management' | 'configuration'>) => Promise<TestBroker>;
  postgres: () => Promise<PrivateServer>;
  redis: () => Promise<PrivateServer>;
  /** Stops all of them and deletes their data. */
  destroy: () => Promise<void>;
}

/**
 * Each function starts its server at the first call, returns the running one, and starts it again after a kill. Call
 * `destroy()` when done.
 */
export async function privateServers(): Promise<PrivateServers> {
  const root = path.join(os.tmpdir(), tempName());
  // The accounts of the servers must be able to pass through.
  await fs.mkdir(root, { mode: 0o711 });
  const debian = testRabbitmqRoot();
  const started = new Map<string, PrivateServer>();
  const keep = <T extends PrivateServer>(server: T): T => {
    started.set(server.kind, server);
    return server;
  };
  const options = (name: string) => ({ dataDir: path.join(root, name), durable: false });
  const deadVhosts = new DeadVhosts(path.join(root, 'rabbit', 'home', 'log', 'rabbit.log'));
  return {
    rabbit: async (extra = {}) => {
      const wanted = { ...options('rabbit'), ...extra };
      const ofDebian =
        debian === undefined
          ? {}
          : { configuration: [...(extra.configuration ?? []), ...WITHOUT_DEPRECATED_FEATURES], root: debian };
      const broker = testBroker(keep(await startPrivateRabbit({ ...wanted, ...ofDebian })));
      await deadVhosts.revive(broker);
      return broker;
    },
    postgres: async () => keep(await startPrivatePostgres(options('postgres'))),
    redis: async () => keep(await startPrivateRedis(options('redis'))),
    destroy: async () => {
      await Promise.all([...started.values()].map((server) => server.destroy()));
      await fs.rm(root, { recursive: true, force: true });
    },
  };
}
