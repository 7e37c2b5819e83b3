import fs from 'node:fs';
import path from 'node:path';
import { ROLES, type Role, WarrenSystem } from '@warren/harness';
import { freePort } from '@warren/provision';
import { SERVICES } from '@warren/rabbit';
import { type EdgePlan, Edges } from './edges.ts';
import { LabServers, type ServerName } from './lab_servers.ts';
import { Replica } from './replica.ts';

export interface LabSystemOptions {
  /** Processes of every service. */
  readonly replicas: number;
  /** Folder of the tree whose services are started. */
  readonly tree: string;
  /** Where logs go. */
  readonly folder: string;
  /** Extra environment of every service. */
  readonly env: Readonly<Record<string, string>>;
  readonly random: () => number;
}

interface Plan {
  readonly id: string;
  readonly role: Role;
  readonly adminPort: number;
  readonly publicPort: number;
}

const URL_SETTINGS = { rabbitmq: 'RABBITMQ_URL', postgres: 'DATABASE_URL', redis: 'REDIS_URL' } as const;
const READY_TIMEOUT_MS = 120_000;
const CLOCK_PRELOAD = path.join(import.meta.dirname, 'clock_skew.mjs');

/** Private servers, replicas of every service, and a proxy on every way between them. */
export class LabSystem {
  readonly servers: LabServers;
  readonly warren: WarrenSystem;
  readonly edges: Edges;
  readonly replicas: readonly Replica[];
  /** Public URLs of the gateways, each through its proxy. */
  readonly gatewayUrls: readonly string[];
  readonly folder: string;

  private constructor(parts: Omit<LabSystem, 'replica' | 'ready' | 'stop' | 'clockFile' | 'setClock'>) {
    this.servers = parts.servers;
    this.warren = parts.warren;
    this.edges = parts.edges;
    this.replicas = parts.replicas;
    this.gatewayUrls = parts.gatewayUrls;
    this.folder = parts.folder;
  }

  static async start(options: LabSystemOptions): Promise<LabSystem> {
    const servers = await LabServers.start();
    try {
      return await LabSystem.#on(servers, options);
    } catch (error) {
      await servers.destroy();
      throw error;
    }
  }

  static async #on(servers: LabServers, options: LabSystemOptions): Promise<LabSystem> {
    const { rabbitmq, postgres, redis } = servers;
    const warren = await WarrenSystem.prepare({ broker: rabbitmq, postgres: postgres.url, redis: redis.url });
    const plans = await planReplicas(options.replicas);
    const edges = await Edges.open(edgePlans(plans, { servers, warren }), options.random);
    const replicas = plans.map((plan) => replicaOf(plan, { warren, edges, options }));
    for (const replica of replicas) fs.writeFileSync(clockFile(options.folder, replica.id), '0');
    const gatewayUrls = plans
      .filter(({ role }) => role === 'gateway')
      .map(({ id }) => `http://127.0.0.1:${edges.proxyOf(`players:${id}`).port}`);
    const system = new LabSystem({ servers, warren, edges, replicas, gatewayUrls, folder: options.folder });
    process.once('exit', () => {
      for (const replica of replicas) replica.abandon();
    });
    for (const replica of replicas) replica.start();
    await system.ready();
    return system;
  }

  replica(id: string): Replica {
    const found = this.replicas.find((replica) => replica.id === id);
    if (found === undefined) throw new Error(`there is no replica ${id}`);
    return found;
  }

  async ready(timeoutMs: number = READY_TIMEOUT_MS): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.ready(timeoutMs)));
  }

  /** Makes the wall clock of a replica wrong by so much, until it is told 0 or ends. */
  setClock(id: string, skewMs: number): void {
    fs.writeFileSync(clockFile(this.folder, id), String(skewMs));
    this.replica(id).signal('SIGUSR2');
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await this.edges.close();
    await this.servers.destroy();
  }
}

const clockFile = (folder: string, id: string): string => path.join(folder, `${id}.clock`);

async function planReplicas(count: number): Promise<Plan[]> {
  const taken = new Set<number>();
  const port = async (): Promise<number> => {
    const free = await freePort(taken);
    taken.add(free);
    return free;
  };
  const plans: Plan[] = [];
  for (const role of ROLES) {
    for (let index = 0; index < count; index++)
      plans.push({ id: `${role}-${index}`, role, adminPort: await port(), publicPort: await port() });
  }
  return plans;
}

/** The servers that a service is given an address of. */
const serversOf = (env: Readonly<Record<string, string>>): ServerName[] =>
  (['rabbitmq', 'postgres', 'redis'] as const).filter((server) => env[URL_SETTINGS[server]] !== undefined);

function edgePlans(plans: readonly Plan[], { servers, warren }: Pick<LabSystem, 'servers' | 'warren'>): EdgePlan[] {
  return plans.flatMap(({ id, role, publicPort }): EdgePlan[] => [
    ...serversOf(warren.envOf(role)).map((server) => ({ id: `${id}:${server}`, server, port: servers[server].port })),
    ...(role === 'gateway' ? [{ id: `players:${id}`, server: 'http', port: publicPort } as const] : []),
  ]);
}

interface Parts {
  readonly warren: WarrenSystem;
  readonly edges: Edges;
  readonly options: LabSystemOptions;
}

function replicaOf({ id, role, adminPort, publicPort }: Plan, { warren, edges, options }: Parts): Replica {
  const app = SERVICES.find(({ prefix }) => prefix === role)?.app ?? role;
  const env = warren.envOf(role);
  for (const server of serversOf(env)) {
    const name = URL_SETTINGS[server];
    env[name] = edges.proxyOf(`${id}:${server}`).through(env[name] ?? '');
  }
  return new Replica({
    id,
    script: path.join(options.tree, 'apps', app, 'src', 'main.ts'),
    nodeArguments: ['--import', CLOCK_PRELOAD],
    env: {
      ...env,
      ADMIN_PORT: String(adminPort),
      GATEWAY_PORT: String(publicPort),
      GATEWAY_RATE_LIMIT_FACTOR: '100000',
      FAULTLAB_CLOCK_FILE: clockFile(options.folder, id),
      NODE_COMPILE_CACHE: path.join(options.folder, 'compile-cache'),
      ...options.env,
    },
    adminUrl: `http://127.0.0.1:${adminPort}`,
    logFolder: options.folder,
  });
}
