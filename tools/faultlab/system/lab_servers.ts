import { evalErlang, type PrivateRabbit, type PrivateServer, unwrapAdminResult } from '@warren/provision';
import { type PrivateServers, privateServers } from '@warren/testing';

export type ServerName = 'rabbitmq' | 'postgres' | 'redis';

interface Running {
  rabbitmq: PrivateRabbit;
  postgres: PrivateServer;
  redis: PrivateServer;
}

/** The lab's own RabbitMQ, Postgres and Redis. Nothing in here touches the machine's. */
export class LabServers {
  readonly #servers: PrivateServers;
  readonly #running: Running;
  /** One thing at a time happens to a server: a kill waits for a restart that is under way. */
  readonly #turns = new Map<ServerName, Promise<unknown>>();

  private constructor(servers: PrivateServers, running: Running) {
    this.#servers = servers;
    this.#running = running;
  }

  static async start(): Promise<LabServers> {
    const servers = await privateServers();
    try {
      const [rabbitmq, postgres, redis] = await Promise.all([servers.rabbit(), servers.postgres(), servers.redis()]);
      return new LabServers(servers, { rabbitmq, postgres, redis });
    } catch (error) {
      await servers.destroy();
      throw error;
    }
  }

  get rabbitmq(): PrivateRabbit {
    return this.#running.rabbitmq;
  }

  get postgres(): PrivateServer {
    return this.#running.postgres;
  }

  get redis(): PrivateServer {
    return this.#running.redis;
  }

  /** Runs `work` when nothing else happens to the server. */
  inTurn<T>(name: ServerName, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const done = before.then(work);
    this.#turns.set(
      name,
      done.catch(() => undefined),
    );
    return done;
  }

  kill(name: ServerName): Promise<void> {
    return this.#running[name].kill('SIGKILL');
  }

  /** Ends the server in order. */
  stop(name: ServerName): Promise<void> {
    return this.#running[name].stop();
  }

  /** Starts the server again on its data and port; resolves when it answers. */
  async revive(name: ServerName): Promise<void> {
    const { port } = this.#running[name];
    if (name === 'rabbitmq') this.#running.rabbitmq = await this.#servers.rabbit();
    else if (name === 'postgres') this.#running.postgres = await this.#servers.postgres();
    else this.#running.redis = await this.#servers.redis();
    if (this.#running[name].port !== port) throw new Error(`${name} came back on another port than ${port}`);
  }

  /** Runs one Erlang expression in the broker; resolves to what it printed. */
  async erlang(expression: string): Promise<string> {
    const { admin } = this.#running.rabbitmq;
    if (admin.kind !== 'rabbitmqctl') throw new Error('the private broker is not administered by rabbitmqctl');
    return unwrapAdminResult(await evalErlang(admin, expression)).trim();
  }

  destroy(): Promise<void> {
    return this.#servers.destroy();
  }
}
