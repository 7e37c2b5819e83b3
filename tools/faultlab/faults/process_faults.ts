import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES } from '@warren/harness';
import { runCommand } from '@warren/provision';
import type { LabSystem } from '../system/lab_system.ts';
import type { Fault, FaultType } from './fault.ts';

const REPLICAS = ROLES.flatMap((role) => [`${role}-0`, `${role}-1`]);
const READY_TIMEOUT_MS = 120_000;
const LIMIT_TIMEOUT_MS = 5_000;
/** Enough to live, too few to open anything new. */
const FEW_DESCRIPTORS = 12;
const MANY_DESCRIPTORS = 4_096;
const HOUR_MS = 3_600_000;

const ended =
  (signal: 'SIGTERM' | 'SIGKILL') =>
  async (system: LabSystem, { target }: Fault): Promise<void> => {
    const replica = system.replica(target);
    await replica.end(signal);
    await replica.ready(READY_TIMEOUT_MS);
  };

/** As a paused virtual machine: the process does nothing, then goes on as if no time had passed. */
async function stopped(system: LabSystem, { target, holdMs }: Fault): Promise<void> {
  const replica = system.replica(target);
  replica.signal('SIGSTOP');
  await sleep(holdMs);
  replica.signal('SIGCONT');
}

async function setDescriptors(pid: number, soft: number): Promise<void> {
  const command = ['prlimit', '--pid', String(pid), `--nofile=${soft}:${MANY_DESCRIPTORS}`];
  await runCommand(command, { timeoutMs: LIMIT_TIMEOUT_MS });
}

async function fewDescriptors(system: LabSystem, { target, holdMs }: Fault): Promise<void> {
  const { pid } = system.replica(target);
  await setDescriptors(pid, FEW_DESCRIPTORS);
  // what is open stays open under a lower limit: only a lost connection shows that no new one can be made
  system.edges.all.filter(({ id }) => id.startsWith(`${target}:`)).forEach(({ proxy }) => proxy.cut());
  await sleep(holdMs);
  await setDescriptors(pid, MANY_DESCRIPTORS);
}

async function wrongClock(system: LabSystem, { target, holdMs }: Fault): Promise<void> {
  for (const skewMs of [HOUR_MS, -HOUR_MS, 0]) {
    system.setClock(target, skewMs);
    if (skewMs !== 0) await sleep(holdMs / 2);
  }
}

/** What happens to the processes of the services. */
export const PROCESS_FAULTS = {
  'process.term': { targets: REPLICAS, holdMs: [0, 0], recoverMs: 4_000, inject: ended('SIGTERM') },
  'process.kill': { targets: REPLICAS, holdMs: [0, 0], recoverMs: 4_000, inject: ended('SIGKILL') },
  'process.stop': { targets: REPLICAS, holdMs: [1_000, 12_000], recoverMs: 4_000, inject: stopped },
  'process.fd_limit': { targets: REPLICAS, holdMs: [2_000, 5_000], recoverMs: 4_000, inject: fewDescriptors },
  'process.clock': { targets: REPLICAS, holdMs: [2_000, 4_000], recoverMs: 1_000, inject: wrongClock },
} as const satisfies Readonly<Record<string, FaultType>>;
