import type { ServerKind } from '@warren/provision';
import { composeCommand, composeUp, dockerFailure } from './docker.ts';
import type { FindContext } from './find_context.ts';
import { type Attempt, databaseOf, keyPrefixOf, type LateWays, vhostOf } from './place.ts';

/** Step 3. The engine is asked once; containers start one after the other, because compose does not like company. */
export function dockerWays({ clone, settings }: FindContext): LateWays {
  const { id } = clone;
  let failure: Promise<string | undefined> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const use = async <P>(kind: ServerKind, placeAt: (port: number) => P): Promise<Attempt<P>> => {
    failure ??= dockerFailure(clone.root);
    const reason = await failure;
    if (reason !== undefined) return { next: reason };
    const mine = turn.then(() => composeUp(clone, kind));
    turn = mine.catch(() => undefined);
    const port = await mine;
    return { use: placeAt(port), reason: `container on port ${port}` };
  };
  const secret = (name: string): string => encodeURIComponent(settings[name] ?? '');
  return {
    rabbitmq: () =>
      use('rabbitmq', (port) => ({
        kind: 'rabbitmq',
        origin: 'docker',
        url: `amqp://127.0.0.1:${port}`,
        vhost: vhostOf(id),
        userPrefix: `${id}-`,
        admin: {
          kind: 'rabbitmqctl',
          command: [...composeCommand(clone), 'exec', '-T', 'rabbitmq', 'rabbitmqctl'],
          env: {},
        },
      })),
    postgres: () =>
      use('postgres', (port) => ({
        kind: 'postgres',
        origin: 'docker',
        adminUrl: `postgres://postgres:${secret('POSTGRES_PASSWORD')}@127.0.0.1:${port}/postgres`,
        database: databaseOf(id),
        rolePrefix: `${id}_`,
        singleRole: false,
      })),
    redis: () =>
      use('redis', (port) => ({
        kind: 'redis',
        origin: 'docker',
        url: `redis://:${secret('REDIS_PASSWORD')}@127.0.0.1:${port}`,
        keyPrefix: keyPrefixOf(id),
      })),
  };
}
