import { setTimeout as sleep } from 'node:timers/promises';
import type { LabServers, ServerName } from '../system/lab_servers.ts';
import { terminateSessions } from '../system/superuser.ts';
import type { FaultType } from './fault.ts';

type Ending = 'kill' | 'stop';

async function down(servers: LabServers, name: ServerName, ending: Ending, holdMs: number): Promise<void> {
  await servers.inTurn(name, async () => {
    await servers[ending](name);
    await sleep(holdMs);
    await servers.revive(name);
  });
}

const ending = (name: ServerName, how: Ending, recoverMs: number): FaultType => ({
  targets: [name],
  holdMs: [100, 2_500],
  recoverMs,
  inject: ({ servers }, { holdMs }) => down(servers, name, how, holdMs),
});

/** What happens to the servers as a whole. A Redis that comes back is empty: the private one keeps nothing on disk. */
export const STORE_FAULTS = {
  'broker.kill': ending('rabbitmq', 'kill', 14_000),
  'broker.restart': ending('rabbitmq', 'stop', 14_000),
  'postgres.kill': ending('postgres', 'kill', 5_000),
  'postgres.restart': ending('postgres', 'stop', 5_000),
  'postgres.terminate': {
    targets: ['postgres'],
    holdMs: [0, 0],
    recoverMs: 3_000,
    inject: ({ servers }) => servers.inTurn('postgres', () => terminateSessions(servers)),
  },
  'redis.kill': ending('redis', 'kill', 3_000),
} as const satisfies Readonly<Record<string, FaultType>>;
