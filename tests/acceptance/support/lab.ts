import { evalErlang, type PrivateRabbit, probePort, unwrapAdminResult } from '@warren/provision';
import { PUSH_PARTITIONS } from '@warren/rabbit';
import { brokerResources, type FaultProxy, faultProxy, type PrivateServers, privateServers } from '@warren/testing';
import { assertCleanLogs } from '../../e2e/support/clean_logs.ts';
import { SecretBook } from '../../e2e/support/secret_book.ts';
import { Stored } from '../../e2e/support/stored.ts';
import { TcpBalancer } from '../../e2e/support/tcp_balancer.ts';
import { TestPlayer } from '../../e2e/support/test_player.ts';
import { until } from '../../e2e/support/until.ts';
import { WarrenSystem } from '../../e2e/support/warren_system.ts';
import { AmqpWatch } from './amqp_watch.ts';
import { LeakCheck } from './leak_check.ts';
import { pause } from './pause.ts';
import { SessionWatch } from './sessions.ts';
import type { LoadPlayer } from './ticket_load.ts';

export interface LabOptions {
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What must be empty at the end. */
export interface LabFaults {
  readonly left: readonly string[];
  readonly faults: readonly string[];
  readonly channelCloses: readonly string[];
}

export const CLEAN: LabFaults = { left: [], faults: [], channelCloses: [] };

interface LabParts {
  readonly servers: PrivateServers;
  readonly system: WarrenSystem;
  readonly proxy: FaultProxy;
  readonly watch: AmqpWatch;
  readonly rabbit: PrivateRabbit;
  readonly balancer: TcpBalancer;
  readonly gatewayUrl: string;
}

/** Modes of tickets: in a crowd nobody is ever matched; alone everybody is, and finds no server. */
export const CROWD = 'crowd';
export const SOLO = 'solo';
const CROWD_PLAYERS = 64;
const NO_SERVER_TIMEOUT_MS = '800';
const SIGN_UPS_AT_ONCE = 3;
const SIGN_UP_RETRY_MS = 60_000;
const GATEWAY_USER = 'gateway';
/** Gateways look at their shares once a second. */
const SETTLED_AFTER_LOOKS = 7;
/** Its reply queue and its queue for hints. */
const OWN_CONSUMERS_OF_GATEWAY = 2;
const PORT_POLL_MS = 10;
const ENV = {
  GATEWAY_RATE_LIMIT_FACTOR: '100000',
  LOG_LEVEL: 'info',
  COORDINATOR_NO_SERVER_TIMEOUT_MS: NO_SERVER_TIMEOUT_MS,
};

/** A whole system on servers of its own, with a proxy before the broker, and what watches it. */
export class Lab {
  readonly servers: PrivateServers;
  readonly system: WarrenSystem;
  /** Between all services and the broker. */
  readonly proxy: FaultProxy;
  readonly watch: AmqpWatch;
  readonly stored: Stored;
  readonly sessions: SessionWatch;
  readonly secrets = new SecretBook();
  /** Where players find a gateway that runs. */
  readonly gatewayUrl: string;
  rabbit: PrivateRabbit;
  readonly #balancer: TcpBalancer;

  private constructor(parts: LabParts) {
    this.servers = parts.servers;
    this.system = parts.system;
    this.proxy = parts.proxy;
    this.watch = parts.watch;
    this.rabbit = parts.rabbit;
    this.gatewayUrl = parts.gatewayUrl;
    this.#balancer = parts.balancer;
    this.stored = new Stored(parts.system);
    this.sessions = new SessionWatch(parts.system.place.database.url);
  }

  static async open({ replicas = 2, env = {} }: LabOptions = {}): Promise<Lab> {
    const servers = await privateServers();
    try {
      // a Postgres of its own: the sessions of two replicas of everything would not fit beside those of other tests
      const [rabbit, postgres] = await Promise.all([servers.rabbit(), servers.postgres()]);
      const proxy = await faultProxy({ target: { host: rabbit.host, port: rabbit.port } });
      const watch = new AmqpWatch(proxy);
      const system = await WarrenSystem.start({
        replicas,
        broker: rabbit,
        postgres: postgres.url,
        through: { rabbitmq: (url) => proxy.through(url) },
        env: { ...ENV, ...env },
      });
      const balancer = inTurn(() => system.gatewayUrls);
      const lab = new Lab({ servers, system, proxy, watch, rabbit, balancer, gatewayUrl: await balancer.listen() });
      await lab.stored.addMode({ name: CROWD, players: CROWD_PLAYERS });
      await lab.stored.addMode({ name: SOLO, players: 1 });
      return lab;
    } catch (error) {
      await servers.destroy();
      throw error;
    }
  }

  /** Registers players and logs them in, a few at a time: passwords are hashed on all cores. */
  async signUp(count: number): Promise<LoadPlayer[]> {
    const players: LoadPlayer[] = [];
    const waiting = Array.from({ length: count }, (_, index) => `load${index}`);
    const work = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const options = { gatewayUrl: this.gatewayUrl, name, secrets: this.secrets, retryForMs: SIGN_UP_RETRY_MS };
        const { client } = await new TestPlayer(options).signUp();
        players.push({ id: client.accountId ?? '', token: await client.accessToken() });
      }
    };
    await Promise.all(Array.from({ length: SIGN_UPS_AT_ONCE }, work));
    return players;
  }

  /** Waits until the gateways have divided the push queues, and remembers what the quiet system holds. */
  async beginLeakCheck(): Promise<LeakCheck> {
    const gateways = this.system.of('gateway').length;
    const wanted = PUSH_PARTITIONS + gateways * OWN_CONSUMERS_OF_GATEWAY;
    // the first gateway has them all before the other one comes
    let seen = 0;
    const divided = async (): Promise<boolean> => {
      const consumers = (await brokerResources(this.rabbit.admin))[GATEWAY_USER]?.consumers;
      seen = consumers === wanted ? seen + 1 : 0;
      return seen >= SETTLED_AFTER_LOOKS;
    };
    await until(divided, { timeoutMs: 30_000, what: 'the push queues are divided', pollMs: 500 });
    const { database, redis } = this.system.place;
    return LeakCheck.begin({
      admin: this.rabbit.admin,
      vhost: this.system.place.vhost.name,
      processes: () => this.system.processes.filter((process) => process.running),
      ports: {
        [this.proxy.port]: 'broker',
        [portOf(database.url)]: 'postgres',
        [portOf(redis.url)]: 'redis',
      },
      sessions: this.sessions,
    });
  }

  /** Messages that all consumers together may have in hand: those of a connection are given out again when it is lost. */
  async prefetchOfAll(): Promise<number> {
    const { admin } = this.rabbit;
    if (admin.kind !== 'rabbitmqctl') throw new TypeError('a private broker is administered by rabbitmqctl');
    const consumers = `rabbit_amqqueue:consumers_all(<<"${this.system.place.vhost.name}">>)`;
    const counts = `[proplists:get_value(prefetch_count, C) || C <- ${consumers}, proplists:get_value(ack_required, C)]`;
    return Number(unwrapAdminResult(await evalErlang(admin, `lists:sum(${counts}).`)));
  }

  /** Starts the broker again; resolves to the moment at which its port opened. */
  async reviveBroker(): Promise<number> {
    const { host, port } = this.rabbit;
    const starting = this.servers.rabbit();
    let started: PrivateRabbit | undefined;
    const start = starting.then((rabbit) => {
      started = rabbit;
    });
    while (!(await probePort(host, port))) {
      if (started !== undefined) throw new Error(`the broker came back on port ${started.port} instead of ${port}`);
      // a start that fails is thrown here, instead of waiting for a port that never opens
      await Promise.race([start, pause(PORT_POLL_MS)]);
    }
    const openedAt = performance.now();
    this.rabbit = await starting;
    return openedAt;
  }

  /**
   * Ends everything. Resolves to what is not as it should be: held although the system is quiet (`leaks`; without it nobody
   * looks), not ended in order, closed by the broker. @throws AssertionError when a log is not clean
   */
  async end(leaks?: LeakCheck): Promise<LabFaults> {
    const left = (await leaks?.leaks()) ?? [];
    await Promise.all([this.stored.close(), this.sessions.close()]);
    const faults = await this.system.stop();
    this.#balancer.close();
    await this.proxy.close();
    await this.servers.destroy();
    assertCleanLogs(this.system, this.secrets.all);
    return { left, faults, channelCloses: this.watch.channelCloses };
  }
}

/** A balancer that gives every connection to another gateway. */
function inTurn(targets: () => readonly string[]): TcpBalancer {
  let turn = 0;
  return new TcpBalancer(() => {
    const urls = targets();
    const first = turn++ % Math.max(1, urls.length);
    return [...urls.slice(first), ...urls.slice(0, first)];
  });
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  'postgres:': '5432',
  'postgresql:': '5432',
  'redis:': '6379',
};

function portOf(text: string): number {
  const url = new URL(text);
  return Number(url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port);
}
