import { setTimeout as sleep } from 'node:timers/promises';
import { processResources } from '@warren/testing';
import type { LabSystem } from '../system/lab_system.ts';
import { countSessions } from '../system/superuser.ts';

/** What the system holds of things that can leak. */
export interface Census {
  readonly connections: number;
  readonly channels: number;
  readonly consumers: number;
  /** Messages of each queue that one consumer holds unsettled at most. */
  readonly prefetch: Readonly<Record<string, number>>;
  readonly sessions: number;
  readonly replicas: Readonly<Record<string, { readonly descriptors: number; readonly rssBytes: number }>>;
}

const COUNT = `begin Cs = rabbit_amqqueue:consumers_all(<<"warren">>),
  {length(rabbit_networking:connections()), length(rabbit_channel:list()), length(Cs),
  [{element(4, proplists:get_value(queue_name, C)), proplists:get_value(prefetch_count, C, 0)} || C <- Cs]} end.`;
const COUNTS = /^\{(\d+),(\d+),(\d+),\[/;
const PREFETCH = /\{<<"([^"]+)">>,(\d+)\}/g;

const SETTLE_TRIES = 10;
const SETTLE_MS = 2_000;

/** The census of a system that has come to rest: two in a row with the same consumers. */
export async function settledCensus(system: LabSystem): Promise<Census> {
  let last = await takeCensus(system);
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    await sleep(SETTLE_MS);
    const next = await takeCensus(system);
    if (next.consumers === last.consumers && next.connections === last.connections) return next;
    last = next;
  }
  return last;
}

async function takeCensus(system: LabSystem): Promise<Census> {
  const said = await system.servers.inTurn('rabbitmq', () => system.servers.erlang(COUNT.replaceAll('\n', ' ')));
  const text = said.replaceAll(/\s/g, '');
  const counts = COUNTS.exec(text);
  if (counts === null) throw new Error(`the broker counted in an unknown form: ${said.slice(0, 200)}`);
  const [connections = 0, channels = 0, consumers = 0] = counts.slice(1).map(Number);
  const prefetch = Object.fromEntries([...text.matchAll(PREFETCH)].map((found) => [found[1] ?? '', Number(found[2])]));
  const replicas = system.replicas.flatMap(({ id, pid }) => {
    const held = processResources(pid, {});
    if (held === undefined) return [];
    const sockets = Object.values(held.sockets).reduce((sum, count) => sum + count, 0);
    return [[id, { descriptors: held.files + sockets, rssBytes: held.residentBytes }] as const];
  });
  const sessions = await countSessions(system.servers);
  return { connections, channels, consumers, prefetch, sessions, replicas: Object.fromEntries(replicas) };
}
