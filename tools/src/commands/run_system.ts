import type { Clone } from '../clone/clone.ts';
import { say } from '../output.ts';
import { Interrupt } from '../processes/interrupt.ts';
import {
  becomeStarter,
  endProcesses,
  retireStarter,
  runningProcesses,
  runningStarter,
} from '../processes/process_record.ts';
import { planSystem, type SystemPlan } from '../system/system_plan.ts';
import { WarrenSystem } from '../system/warren_system.ts';
import { ToolError } from '../tool_error.ts';
import { type ReadyServers, readyServers, stopStarted } from './with_servers.ts';

/** Nobody waits for the answers of a system whose starter was killed. */
const ORPHAN_GRACE_MS = 3_000;

/** The running system as its user sees it. */
export interface RunningSystem {
  readonly clone: Clone;
  readonly interrupt: Interrupt;
  readonly servers: ReadyServers;
  readonly plan: SystemPlan;
  readonly system: WarrenSystem;
}

/** Ends what a starter that was killed left behind. */
async function endOrphans(clone: Clone): Promise<void> {
  const orphans = runningProcesses(clone);
  if (orphans.length === 0) return;
  say(
    `ending what an earlier run left behind: ${orphans.map((orphan) => `${orphan.name} (pid ${orphan.pid})`).join(', ')}`,
  );
  await endProcesses(clone, orphans, ORPHAN_GRACE_MS);
}

function claim(clone: Clone): void {
  if (becomeStarter(clone)) return;
  const pid = runningStarter(clone)?.pid ?? 0;
  throw new ToolError(`Warren runs already in this folder (pid ${pid}): use it, or end it with \`npm stop\`.`);
}

/** Servers, set-up and every process; then `work`; at its end everything that was started is stopped, and nothing else. */
export async function runSystem(clone: Clone, work: (running: RunningSystem) => Promise<void>): Promise<void> {
  claim(clone);
  const interrupt = new Interrupt();
  try {
    await endOrphans(clone);
    const servers = await readyServers(clone, interrupt);
    try {
      await withProcesses(clone, { interrupt, servers }, work);
    } finally {
      await stopStarted(clone, servers);
    }
  } finally {
    retireStarter(clone);
  }
}

type Base = Pick<RunningSystem, 'interrupt' | 'servers'>;

async function withProcesses(clone: Clone, base: Base, work: (running: RunningSystem) => Promise<void>): Promise<void> {
  const { interrupt, servers } = base;
  const plan = await planSystem({ clone, places: servers.places, settings: servers.settings });
  const system = new WarrenSystem(clone, plan);
  try {
    await interrupt.race(system.start());
    await work({ ...base, clone, plan, system });
  } finally {
    say('stopping');
    await system.stop();
    say(`stopped: ${system.names.join(', ')}`);
  }
}

/** Where everything is, for the person at the terminal. */
export function printPlaces({ clone, plan, servers }: RunningSystem): void {
  const [gateway = ''] = plan.gatewayUrls;
  const lines = [
    ['API', plan.gatewayUrls.join('  ')],
    ['API docs', `${gateway}/docs`],
    ['WebSocket', `${gateway.replace('http', 'ws')}/v1/ws`],
    ...plan.apps.map((app) => [`${app.name} health`, `${app.url}/readyz   metrics ${app.url}/metrics`]),
    ['game server', plan.gameServer.url],
    [
      'servers',
      Object.values(servers.places)
        .map((place) => `${place.kind}: ${place.origin}`)
        .join(', '),
    ],
    ['logs', clone.logDir],
  ];
  const width = Math.max(...lines.map(([label = '']) => label.length)) + 2;
  for (const [label = '', value = ''] of lines) say(`${label.padEnd(width)}${value}`);
}
