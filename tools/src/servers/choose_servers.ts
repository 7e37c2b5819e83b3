import type { ServerKind } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { say } from '../output.ts';
import { sentenceOf, ToolError } from '../tool_error.ts';
import { decideServer, type Way } from './decide_server.ts';
import { dockerWays } from './docker_ways.ts';
import { type FindContext, STANDARD_PORTS } from './find_context.ts';
import { postgresFromLocal, postgresFromUrl } from './find_postgres.ts';
import { rabbitFromLocal, rabbitFromUrl } from './find_rabbit.ts';
import { redisFromLocal, redisFromUrl } from './find_redis.ts';
import type { PlaceOf, ServerPlaces } from './place.ts';
import { DecisionAbandoned, PrivateBatch } from './private_ways.ts';
import { readPlaces, writePlaces } from './server_state.ts';

/** The servers of this run. */
export interface ChosenServers {
  readonly places: ServerPlaces;
  /** Private servers that were not running before. */
  readonly started: readonly ServerKind[];
}

const PACKAGES: Record<ServerKind, string> = {
  rabbitmq: 'rabbitmq-server',
  postgres: 'postgresql',
  redis: 'redis-server',
};
const VARIABLES: Record<ServerKind, string> = {
  rabbitmq: 'RABBITMQ_URL',
  postgres: 'DATABASE_URL',
  redis: 'REDIS_URL',
};

const advice = (kind: ServerKind): string =>
  `Install and start ${PACKAGES[kind]} (or Docker), or set ${VARIABLES[kind]} to a server that you have.`;

/** Decides for each server where it comes from, prints each decision with its reason, and records them. */
export async function chooseServers(
  clone: Clone,
  settings: Readonly<Record<string, string>>,
  standardPorts: FindContext['standardPorts'] = STANDARD_PORTS,
): Promise<ChosenServers> {
  const context: FindContext = { clone, settings, previous: readPlaces(clone), standardPorts };
  const batch = new PrivateBatch(clone, ['rabbitmq', 'postgres', 'redis']);
  const docker = dockerWays(context);
  const priv = batch.ways();
  const decisions = [
    decide(batch, 'rabbitmq', [
      () => rabbitFromUrl(context),
      () => rabbitFromLocal(context),
      docker.rabbitmq,
      priv.rabbitmq,
    ]),
    decide(batch, 'postgres', [
      () => postgresFromUrl(context),
      () => postgresFromLocal(context),
      docker.postgres,
      priv.postgres,
    ]),
    decide(batch, 'redis', [() => redisFromUrl(context), () => redisFromLocal(context), docker.redis, priv.redis]),
  ] as const;
  // Every decision ends before the first failure is reported: none may be left half done.
  throwRealFailures(await Promise.allSettled(decisions));
  const [rabbitmq, postgres, redis] = await Promise.all(decisions);
  const places = { rabbitmq, postgres, redis };
  writePlaces(clone, places);
  return { places, started: batch.started };
}

function throwRealFailures(results: readonly PromiseSettledResult<unknown>[]): void {
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const [first, ...others] = reasons.filter((reason) => !(reason instanceof DecisionAbandoned));
  if (first === undefined) return;
  throw new ToolError(sentenceOf(first), { details: others.map((other) => sentenceOf(other)), cause: first });
}

type Attempts<P> = readonly [
  url: Way<P>['attempt'],
  local: Way<P>['attempt'],
  docker: Way<P>['attempt'],
  priv: Way<P>['attempt'],
];

async function decide<K extends ServerKind>(
  batch: PrivateBatch,
  kind: K,
  [url, local, docker, priv]: Attempts<PlaceOf<K>>,
): Promise<PlaceOf<K>> {
  const ways: Way<PlaceOf<K>>[] = [
    { origin: 'url', attempt: url },
    { origin: 'local', attempt: local },
    { origin: 'docker', attempt: docker },
    { origin: 'private', attempt: priv },
  ];
  try {
    const decision = await decideServer(kind, ways, advice(kind));
    say(decision.line);
    return decision.place;
  } catch (error) {
    batch.failed();
    throw error;
  } finally {
    batch.decided(kind);
  }
}
