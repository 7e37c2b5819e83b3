import { readEnvironment } from '@warren/kernel';
import {
  type BrokerBindingDefinition,
  type BrokerDefinitions,
  type BrokerExchangeDefinition,
  type BrokerPermission,
  type BrokerPolicyDefinition,
  type BrokerQueueDefinition,
  type BrokerTopicPermission,
  type ConsumerState,
  deleteUsers,
  deleteVhosts,
  hashRabbitPassword,
  importDefinitions,
  listConsumers,
  listQueues,
  listUsers,
  type QueueState,
  RABBIT_HASHING_ALGORITHM,
  unwrapAdminResult,
} from '@warren/provision';
import { testBrokerAdmin, testRabbitmqUrl } from './test_settings.ts';
import { createVhosts, fillPool, giveBack, RUN_DIR_VARIABLE, takeFromPool } from './vhost_pool.ts';

/** Vhosts made at once when the pool of the run is empty: a call costs about a second however many it makes. */
const REFILL_COUNT = 8;

/** Shared by callers that find the pool empty at the same time. */
let refilling: Promise<void> | undefined;

/** A vhost of one test, in which the user of `url` may do everything. */
export interface TempVhost {
  name: string;
  url: string;
  /** Begin every user name with this: users are global to a broker, and so they are removed with the vhost. */
  userPrefix: string;
  /** The URL of this vhost for another user. */
  urlFor: (user: string, password: string) => string;
  /** Queues of this vhost as the broker sees them; costs about a second. */
  queues: () => Promise<QueueState[]>;
  /** Its consumers as the broker sees them; costs about a second. */
  consumers: () => Promise<ConsumerState[]>;
  /** Within a vitest run a few vhosts are removed in one call; otherwise each at once. */
  drop: () => Promise<void>;
}

function vhostUrl(name: string, credentials?: { user: string; password: string }): string {
  const url = new URL(testRabbitmqUrl());
  url.pathname = `/${encodeURIComponent(name)}`;
  if (credentials !== undefined) {
    url.username = encodeURIComponent(credentials.user);
    url.password = encodeURIComponent(credentials.password);
  }
  return url.href;
}

async function claim(runDir: string | undefined): Promise<string> {
  const pooled = runDir === undefined ? undefined : await takeFromPool(runDir);
  if (pooled !== undefined) return pooled;
  const user = decodeURIComponent(new URL(testRabbitmqUrl()).username);
  if (runDir === undefined) return firstOf(await createVhosts(testBrokerAdmin(), user, 1));
  refilling ??= refill(runDir, user).finally(() => {
    refilling = undefined;
  });
  await refilling;
  return claim(runDir);
}

async function refill(runDir: string, user: string): Promise<void> {
  await fillPool(runDir, await createVhosts(testBrokerAdmin(), user, REFILL_COUNT, runDir));
}

function firstOf(names: readonly string[]): string {
  const [name] = names;
  if (name === undefined) throw new Error('No vhost was created.');
  return name;
}

/** Removes vhosts, and the users whose names begin with one of `owners`. */
export async function removeVhosts(names: readonly string[], owners: readonly string[] = names): Promise<void> {
  const admin = testBrokerAdmin();
  const users = unwrapAdminResult(await listUsers(admin));
  const theirs = users.filter((user) => owners.some((name) => user.startsWith(name)));
  unwrapAdminResult(await deleteVhosts(admin, names));
  unwrapAdminResult(await deleteUsers(admin, theirs));
}

/** A vhost of one's own on the test broker. Call `drop()` when done. */
export async function tempVhost(): Promise<TempVhost> {
  const runDir = readEnvironment()[RUN_DIR_VARIABLE] || undefined;
  const name = await claim(runDir);
  return {
    name,
    url: vhostUrl(name),
    userPrefix: `${name}-`,
    urlFor: (user, password) => vhostUrl(name, { user, password }),
    queues: async () => unwrapAdminResult(await listQueues(testBrokerAdmin(), name)),
    consumers: async () => unwrapAdminResult(await listConsumers(testBrokerAdmin(), name)),
    drop: async () => {
      if (runDir === undefined) return removeVhosts([name]);
      const batch = await giveBack(runDir, name);
      if (batch.length > 0) unwrapAdminResult(await deleteVhosts(testBrokerAdmin(), batch));
    },
  };
}

/** What to create in a vhost; entries carry no `vhost`, and users carry their password in plain text. */
export interface VhostContent {
  users?: readonly { name: string; password: string; tags?: readonly string[] }[];
  permissions?: readonly Omit<BrokerPermission, 'vhost'>[];
  topic_permissions?: readonly Omit<BrokerTopicPermission, 'vhost'>[];
  exchanges?: readonly Omit<BrokerExchangeDefinition, 'vhost'>[];
  queues?: readonly Omit<BrokerQueueDefinition, 'vhost'>[];
  bindings?: readonly Omit<BrokerBindingDefinition, 'vhost'>[];
  policies?: readonly Omit<BrokerPolicyDefinition, 'vhost'>[];
}

function within<T extends object>(vhost: string, items: readonly T[] = []): (T & { vhost: string })[] {
  return items.map((item) => ({ ...item, vhost }));
}

/**
 * Creates users with their rights, exchanges, queues and bindings in a temporary vhost, all in one call of about a
 * second.
 */
export async function importIntoVhost(vhost: TempVhost, content: VhostContent): Promise<void> {
  const { users = [] } = content;
  const stranger = users.find((user) => !user.name.startsWith(vhost.name));
  if (stranger !== undefined) {
    throw new Error(
      `User ${stranger.name} would outlive the test: begin its name with userPrefix (${vhost.userPrefix}).`,
    );
  }
  const definitions: BrokerDefinitions = {
    users: users.map(({ name, password, tags = [] }) => ({
      name,
      password_hash: hashRabbitPassword(password),
      hashing_algorithm: RABBIT_HASHING_ALGORITHM,
      tags,
    })),
    permissions: within(vhost.name, content.permissions),
    topic_permissions: within(vhost.name, content.topic_permissions),
    exchanges: within(vhost.name, content.exchanges),
    queues: within(vhost.name, content.queues),
    bindings: within(vhost.name, content.bindings),
    policies: within(vhost.name, content.policies),
  };
  unwrapAdminResult(await importDefinitions(testBrokerAdmin(), definitions));
}
