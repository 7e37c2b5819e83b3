import { stopProcess } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { say, withProgress } from '../output.ts';
import { endProcesses, runningProcesses, runningStarter } from '../processes/process_record.ts';
import { composeDown } from '../servers/docker.ts';
import { runningPrivateServers, stopPrivateServers } from '../servers/private_servers.ts';
import { readPlaces } from '../servers/server_state.ts';

/** The starter needs the grace of its apps, and of the servers that it started, which a loaded broker uses up. */
const STARTER_GRACE_MS = 90_000;
const PROCESS_GRACE_MS = 15_000;

/** `npm stop`: ends the starter, whatever a killed one left behind, and the private servers. Data stays. */
export async function stop(clone: Clone): Promise<number> {
  const starter = runningStarter(clone);
  await withProgress('stopping', async () => {
    if (starter !== undefined) await stopProcess(starter, { graceMs: STARTER_GRACE_MS });
    await endProcesses(clone, runningProcesses(clone), PROCESS_GRACE_MS);
  });
  const servers = await withProgress('stopping private servers', async () =>
    stopPrivateServers(await runningPrivateServers(clone), { destroy: false }),
  );
  const places = readPlaces(clone);
  if (places !== undefined && Object.values(places).some((place) => place.origin === 'docker'))
    await composeDown(clone, false);
  const parts = [...(starter === undefined ? [] : ['npm start']), ...servers.map((kind) => `private ${kind}`)];
  say(parts.length === 0 ? 'nothing was running' : `stopped: ${parts.join(', ')}`);
  return 0;
}
