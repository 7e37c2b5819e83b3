import { isDeepStrictEqual } from 'node:util';
import { type BrokerAdmin, listQueues, unwrapAdminResult } from '@warren/provision';
import { brokerResources, type ProcessResources, processResources, type UserResources } from '@warren/testing';
import type { AppProcess } from '../../e2e/support/app_process.ts';
import { pause } from './pause.ts';
import type { DatabaseSessions, SessionWatch } from './sessions.ts';

export interface LeakCheckDeps {
  readonly admin: BrokerAdmin;
  readonly vhost: string;
  readonly processes: () => readonly AppProcess[];
  /** By the port that the processes connect to: `broker`, `postgres`, `redis`. */
  readonly ports: Readonly<Record<number, string>>;
  readonly sessions: SessionWatch;
}

interface Snapshot {
  readonly broker: Readonly<Record<string, UserResources>>;
  /** Open messages of every queue, the empty ones left out. */
  readonly queues: Readonly<Record<string, number>>;
  readonly queueCount: number;
  readonly processes: readonly SeenProcess[];
  readonly sessions: DatabaseSessions;
}

interface SeenProcess {
  readonly name: string;
  /** Undefined where the kernel does not tell. */
  readonly held: ProcessResources | undefined;
  /** Gauges that are not at zero. */
  readonly busy: string;
}

const POLL_MS = 1_000;
/** Idle connections of a pool go after half a minute; the broker counts a lost connection until its heartbeat fails. */
const BACK_WITHIN_MS = 75_000;
/** Files that a process opens once, when it first needs them. */
const LAZY_FILES = 4;
const NOTHING: UserResources = { connections: 0, channels: 0, consumers: 0, unsettled: 0 };
const BUSY = /^(warren_commands_running|warren_command_zombies|gateway_sockets)\{[^}]*\} [1-9]/gm;

/**
 * Compares what a quiet system holds after a test with what it held before: connections, channels and consumers of the broker,
 * database sessions, sockets and files of every process, messages in queues, commands under work.
 */
export class LeakCheck {
  readonly #deps: LeakCheckDeps;
  readonly #before: Snapshot;

  private constructor(deps: LeakCheckDeps, before: Snapshot) {
    this.#deps = deps;
    this.#before = before;
  }

  /** Remembers the state of a system that has started and does nothing. */
  static async begin(deps: LeakCheckDeps): Promise<LeakCheck> {
    return new LeakCheck(deps, await look(deps));
  }

  /** What is still held once the system has had time to come to rest; empty when nothing is. */
  async leaks(): Promise<string[]> {
    const until = performance.now() + BACK_WITHIN_MS;
    for (;;) {
      const leaks = compare(this.#before, await look(this.#deps));
      if (leaks.length === 0 || performance.now() > until) return leaks;
      await pause(POLL_MS);
    }
  }
}

async function look({ admin, vhost, processes, ports, sessions }: LeakCheckDeps): Promise<Snapshot> {
  const [broker, queues, seen, stored] = await Promise.all([
    brokerResources(admin),
    listQueues(admin, vhost).then(unwrapAdminResult),
    Promise.all(processes().map((process) => lookAt(process, ports))),
    sessions.read(),
  ]);
  const holding = queues.filter(({ messages }) => messages > 0);
  return {
    broker,
    queues: Object.fromEntries(holding.map(({ name, messages }) => [name, messages])),
    queueCount: queues.length,
    processes: seen,
    sessions: stored,
  };
}

async function lookAt(process: AppProcess, ports: LeakCheckDeps['ports']): Promise<SeenProcess> {
  const adminUrl = process.lines.find(({ msg }) => msg === 'ready')?.['adminUrl'];
  const metrics = typeof adminUrl === 'string' ? await (await fetch(`${adminUrl}/metrics`)).text() : '';
  return {
    name: process.name,
    held: processResources(process.pid, ports),
    busy: (metrics.match(BUSY) ?? []).join(', '),
  };
}

function compare(before: Snapshot, now: Snapshot): string[] {
  return [
    ...brokerLeaks(before, now),
    ...(now.queueCount === before.queueCount ? [] : [`${before.queueCount} queues became ${now.queueCount}`]),
    ...Object.entries(now.queues).map(([queue, messages]) => `${messages} messages are left in ${queue}`),
    ...processLeaks(before, now),
    ...sessionLeaks(now),
  ];
}

function brokerLeaks(before: Snapshot, now: Snapshot): string[] {
  const users = new Set([...Object.keys(before.broker), ...Object.keys(now.broker)]);
  return [...users].flatMap((user) => {
    const [was, is] = [before.broker[user] ?? NOTHING, now.broker[user] ?? NOTHING];
    // a channel that is open for a moment, to ask for something, may have been counted before
    const same = isDeepStrictEqual({ ...was, channels: 0 }, { ...is, channels: 0 }) && is.channels <= was.channels;
    return same ? [] : [`the broker held for ${user} ${JSON.stringify(was)}, now ${JSON.stringify(is)}`];
  });
}

function processLeaks(before: Snapshot, now: Snapshot): string[] {
  return now.processes.flatMap(({ name, held, busy }) => {
    const peers = before.processes.filter((process) => process.name === name).flatMap((peer) => peer.held ?? []);
    return [...(held === undefined ? [] : heldMore(name, held, peers)), ...(busy === '' ? [] : [`${name}: ${busy}`])];
  });
}

function heldMore(name: string, held: ProcessResources, peers: readonly ProcessResources[]): string[] {
  const atMost = (kind: string): number => Math.max(0, ...peers.map(({ sockets }) => sockets[kind] ?? 0));
  const grown = ['broker', 'redis', 'other'].filter((kind) => (held.sockets[kind] ?? 0) > atMost(kind));
  const files = Math.max(0, ...peers.map((peer) => peer.files));
  return [
    ...grown.map((kind) => `${name} holds ${held.sockets[kind]} sockets (${kind}), before ${atMost(kind)}`),
    ...(held.files > files + LAZY_FILES ? [`${name} holds ${held.files} files, before ${files}`] : []),
  ];
}

/** Pools grow and shrink as they are used; a session whose client is gone, or one that hangs in a transaction, is lost. */
function sessionLeaks({ sessions, processes }: Snapshot): string[] {
  const held = processes.map((process) => process.held?.sockets['postgres'] ?? 0);
  const sockets = held.reduce((sum, count) => sum + count, 0);
  const open = Object.values(sessions.byRole).reduce((sum, count) => sum + count, 0);
  const known = processes.every((process) => process.held !== undefined);
  return [
    ...(known && open > sockets ? [`the database holds ${open} sessions, the processes ${sockets} sockets to it`] : []),
    ...(sessions.stuck > 0 ? [`${sessions.stuck} sessions are idle in a transaction`] : []),
  ];
}
