import { randomBytes } from 'node:crypto';
import { ensureServerKey } from '@warren/auth';
import { silentLogger } from '@warren/kernel';
import { Database, ensureRolesAndDatabase, migrate } from '@warren/postgres';
import { hashRabbitPassword, importDefinitions, unwrapAdminResult } from '@warren/provision';
import { brokerDefinitions, brokerPrefixes, SERVICES } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { AppProcess, type LogLine } from './app_process.ts';
import { readSchemas } from './service_schemas.ts';
import { makePlace, type OwnServers, type SystemPlace } from './system_place.ts';

/** Prefix of a service in rabbitmq_topology.ts. */
export type Role = string;

export interface SystemOptions extends OwnServers {
  /** Processes of every service; 1 unless said. */
  readonly replicas?: number;
  /** Extra environment of every app. */
  readonly env?: Readonly<Record<string, string>>;
  /** Stands between the services and the broker or stores: gets a URL, gives the one to use. */
  readonly through?: {
    readonly rabbitmq?: (url: string) => string;
    readonly postgres?: (url: string) => string;
    readonly redis?: (url: string) => string;
  };
}

const PASSWORD = 'a-password-of-tests-only-7391';
/** Every service by its prefix, the gateway last: it has somebody to call then. */
export const ROLES: readonly Role[] = SERVICES.toSorted((a, b) => Number(a.delivers) - Number(b.delivers)).map(
  ({ prefix }) => prefix,
);
const SCHEMAS = await readSchemas();

const isReady = (line: LogLine): boolean => line.msg === 'ready';

/** Every service as processes of their own, with real least-privilege users, on a vhost, database and key prefix of one test. */
export class WarrenSystem {
  readonly place: SystemPlace;
  readonly serverKey = randomBytes(24).toString('base64url');
  readonly processes: AppProcess[] = [];
  readonly #options: SystemOptions;
  readonly #secrets = {
    AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    IDEMPOTENCY_HMAC_KEY: randomBytes(32).toString('base64'),
  };
  #games = 0;

  private constructor(place: SystemPlace, options: SystemOptions) {
    this.place = place;
    this.#options = options;
  }

  /** Sets everything up and starts `replicas` of every service. */
  static async start(options: SystemOptions = {}): Promise<WarrenSystem> {
    const system = await WarrenSystem.prepare(options);
    try {
      for (let i = 0; i < (options.replicas ?? 1); i++) await Promise.all(ROLES.map((role) => system.startApp(role)));
      return system;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  /** Sets broker, database and keys up without starting anything. */
  static async prepare(options: SystemOptions = {}): Promise<WarrenSystem> {
    const system = new WarrenSystem(await makePlace(options), options);
    await Promise.all([system.#setUpBroker(), system.#setUpDatabase()]);
    return system;
  }

  /** Starts one more process of a service and waits until it is ready. */
  async startApp(role: Role, env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    const app = this.launch(role, env);
    await app.ready();
    return app;
  }

  /** Starts one more process of a service. */
  launch(role: Role, env: Readonly<Record<string, string>> = {}): AppProcess {
    const service = SERVICES.find(({ prefix }) => prefix === role);
    if (service === undefined) throw new Error(`no service ${role}`);
    const app = new AppProcess({
      name: role,
      script: `apps/${service.app}/src/main.ts`,
      env: { ...this.envOf(role), ...this.#options.env, ...env },
      ready: isReady,
    });
    this.processes.push(app);
    return app;
  }

  /** The example game server, connected to one of the gateways. */
  async startGameServer(gatewayUrl: string, env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    const server = new AppProcess({
      name: 'game-server',
      script: 'examples/game-server/src/main.ts',
      env: {
        WARREN_GATEWAY_URL: gatewayUrl,
        WARREN_SERVER_KEY: this.serverKey,
        GAME_SERVER_PORT: '0',
        GAME_SERVER_INSTANCE: `game-${++this.#games}`,
        GAME_MATCH_SECONDS: '6',
        ...env,
      },
      ready: isReady,
    });
    this.processes.push(server);
    await server.ready();
    return server;
  }

  /** Complete environment of one service. */
  envOf(role: Role): Record<string, string> {
    const { redis } = this.place;
    const { through } = this.#options;
    const databaseUrl = SCHEMAS.some(({ prefix }) => prefix === role)
      ? { DATABASE_URL: (through?.postgres ?? same)(this.databaseUrl(role)) }
      : {};
    return {
      NODE_ENV: 'test',
      LOG_LEVEL: 'info',
      RABBITMQ_URL: (through?.rabbitmq ?? same)(this.brokerUrl(role)),
      ...databaseUrl,
      REDIS_URL: (through?.redis ?? same)(redis.url),
      REDIS_KEY_PREFIX: redis.keyPrefix,
      GATEWAY_PORT: '0',
      ...this.#secrets,
    };
  }

  brokerUrl(prefix: string): string {
    const { vhost } = this.place;
    return vhost.urlFor(vhost.userPrefix + prefix, PASSWORD);
  }

  databaseUrl(prefix: string): string {
    const url = new URL(this.place.database.url);
    url.username = `${this.place.database.name}_${prefix}`;
    url.password = PASSWORD;
    return url.href;
  }

  /** What the processes were given in confidence: none of it may ever be written anywhere. */
  get secrets(): readonly string[] {
    return [PASSWORD, this.serverKey, ...Object.values(this.#secrets)];
  }

  /** Running processes of a service, or of the game server (`game-server`). */
  of(role: Role): AppProcess[] {
    return this.processes.filter((process) => process.name === role && process.running);
  }

  /** Public URLs of the gateways that run and are ready. */
  get gatewayUrls(): string[] {
    return this.of('gateway').flatMap((gateway) => {
      const url = gateway.lines.find(isReady)?.['publicUrl'];
      return typeof url === 'string' ? [url] : [];
    });
  }

  /** Ends all that runs, then removes everything. Resolves to what did not end in order. */
  async stop(): Promise<string[]> {
    for (const role of ['game-server', ...ROLES.toReversed()]) {
      await Promise.all(this.of(role).map((process) => process.stop()));
    }
    const { vhost, database, redis } = this.place;
    await Promise.all([vhost.drop(), database.drop(), redis.drop()]);
    return this.processes
      .filter((process) => process.exitCode !== 0 && process.signal === null)
      .map(({ name, exitCode, stderr }) => `${name} ${exitCode} ${stderr.slice(-300)}`);
  }

  async #setUpBroker(): Promise<void> {
    const { vhost, brokerAdmin } = this.place;
    const hash = hashRabbitPassword(PASSWORD);
    const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, hash]));
    unwrapAdminResult(
      await importDefinitions(
        brokerAdmin,
        brokerDefinitions({ vhost: vhost.name, userPrefix: vhost.userPrefix, passwords }),
      ),
    );
  }

  async #setUpDatabase(): Promise<void> {
    const { name, adminUrl } = this.place.database;
    const roles = SCHEMAS.map(({ prefix, set }) => ({
      name: `${name}_${prefix}`,
      password: PASSWORD,
      schema: set.schema,
    }));
    await ensureRolesAndDatabase(adminUrl, {
      database: name,
      owner: { name: `${name}_owner`, password: PASSWORD },
      roles,
    });
    await Promise.all(
      SCHEMAS.map(({ prefix, set }) => migrate(this.databaseUrl('owner'), set, { role: `${name}_${prefix}` })),
    );
    const auth = new Database({
      url: this.databaseUrl('auth'),
      schema: 'auth',
      logger: silentLogger(),
      metrics: new Metrics('tests'),
      max: 1,
    });
    await ensureServerKey(auth, 'tests', this.serverKey);
    await auth.close();
  }
}

const same = (url: string): string => url;
