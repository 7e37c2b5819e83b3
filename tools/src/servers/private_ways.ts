import type { ServerKind } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { sentenceOf } from '../tool_error.ts';
import { type Attempt, databaseOf, keyPrefixOf, type LateWays, vhostOf } from './place.ts';
import { ensurePrivateServers, type PrivateServers } from './private_servers.ts';

/** Not a reason of its own: another server's decision has failed, and says why. */
export class DecisionAbandoned extends Error {}

type Ensured = Awaited<ReturnType<typeof ensurePrivateServers>>;

/**
 * Step 4 for all servers together: waits until each of them is either decided or here, because one installation is much faster than
 * three and none is wanted when another server's decision has failed.
 */
export class PrivateBatch {
  readonly #clone: Clone;
  readonly #undecided: Set<ServerKind>;
  readonly #wanted: ServerKind[] = [];
  readonly #complete = Promise.withResolvers<boolean>();
  #work: Promise<Ensured> | undefined;
  #started: readonly ServerKind[] = [];

  constructor(clone: Clone, kinds: readonly ServerKind[]) {
    this.#clone = clone;
    this.#undecided = new Set(kinds);
  }

  /** Private servers that this run started. */
  get started(): readonly ServerKind[] {
    return this.#started;
  }

  /** Says that this server needs no private instance. */
  decided(kind: ServerKind): void {
    this.#arrive(kind);
  }

  /** Says that there is no server to be had, so that nothing need be installed for the others. */
  failed(): void {
    this.#complete.resolve(false);
  }

  ways(): LateWays {
    const { id, dataDir } = this.#clone;
    const where = (port: number): string => `port ${port}, data in ${dataDir}`;
    return {
      rabbitmq: () =>
        this.#use('rabbitmq', ({ url: _url, port, admin }) => {
          const own = { url: `amqp://127.0.0.1:${port}`, vhost: vhostOf(id), userPrefix: `${id}-`, admin };
          return { use: { kind: 'rabbitmq', origin: 'private', ...own }, reason: where(port) };
        }),
      postgres: () =>
        this.#use('postgres', ({ url, port }) => {
          const own = { adminUrl: url, database: databaseOf(id), rolePrefix: `${id}_`, singleRole: false };
          return { use: { kind: 'postgres', origin: 'private', ...own }, reason: where(port) };
        }),
      redis: () =>
        this.#use('redis', ({ url, port }) => {
          return { use: { kind: 'redis', origin: 'private', url, keyPrefix: keyPrefixOf(id) }, reason: where(port) };
        }),
    };
  }

  #arrive(kind: ServerKind): void {
    this.#undecided.delete(kind);
    if (this.#undecided.size === 0) this.#complete.resolve(true);
  }

  async #use<K extends ServerKind, P>(
    kind: K,
    attemptOf: (server: NonNullable<PrivateServers[K]>) => Attempt<P>,
  ): Promise<Attempt<P>> {
    this.#wanted.push(kind);
    this.#arrive(kind);
    if (!(await this.#complete.promise)) throw new DecisionAbandoned('another server cannot be had');
    try {
      this.#work ??= ensurePrivateServers(this.#clone, this.#wanted);
      const { servers, started } = await this.#work;
      this.#started = started;
      const server = servers[kind];
      return server === undefined ? { next: 'the private instance ended' } : attemptOf(server);
    } catch (error) {
      return { next: sentenceOf(error).replace(/\.$/, '') };
    }
  }
}
