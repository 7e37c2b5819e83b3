import type { Clone } from '../clone/clone.ts';
import { writeRuntimeEnv } from '../env/runtime_env.ts';
import { ensureSecrets, settingsOf } from '../env/secrets.ts';
import { say } from '../output.ts';
import type { Interrupt } from '../processes/interrupt.ts';
import { type ChosenServers, chooseServers } from '../servers/choose_servers.ts';
import { type PrivateServers, runningPrivateServers, stopPrivateServers } from '../servers/private_servers.ts';
import { allUrls } from '../servers/service_urls.ts';
import { runSetup } from '../setup/run_setup.ts';

type Settings = Readonly<Record<string, string>>;

/** Servers that are found or started, and set up. */
export interface ReadyServers extends ChosenServers {
  readonly settings: Settings;
}

/** Secrets, servers, set-up and runtime.env: everything before the first app. A private server that is started here and then not needed because a later step fails is stopped again. */
export async function readyServers(clone: Clone, interrupt: Interrupt): Promise<ReadyServers> {
  const added = ensureSecrets(clone);
  if (added.length > 0) say(`${clone.envFile}: ${added.length} secrets generated`);
  const settings = settingsOf(clone, process.env);
  const chosen = await chooseServers(clone, settings);
  try {
    interrupt.check();
    await runSetup(clone, chosen.places, settings);
    interrupt.check();
  } catch (error) {
    await stopStarted(clone, chosen);
    throw error;
  }
  writeRuntimeEnv(clone, allUrls(chosen.places, settings));
  return { ...chosen, settings };
}

/** Stops the private servers that this run started; others stay. */
export async function stopStarted(clone: Clone, { started }: ChosenServers): Promise<void> {
  if (started.length === 0) return;
  const running = await runningPrivateServers(clone);
  const own: PrivateServers = {
    ...(started.includes('rabbitmq') && running.rabbitmq !== undefined ? { rabbitmq: running.rabbitmq } : {}),
    ...(started.includes('postgres') && running.postgres !== undefined ? { postgres: running.postgres } : {}),
    ...(started.includes('redis') && running.redis !== undefined ? { redis: running.redis } : {}),
  };
  const stopped = await stopPrivateServers(own, { destroy: false });
  if (stopped.length > 0) say(`stopped private servers: ${stopped.join(', ')}`);
}
