import path from 'node:path';
import { isPortFree } from '@warren/provision';
import { SERVICES } from '@warren/rabbit';
import type { Clone } from '../clone/clone.ts';
import { say } from '../output.ts';
import { PortChooser } from '../processes/next_free_port.ts';
import type { SupervisedSpec } from '../processes/supervisor.ts';
import type { ServerPlaces } from '../servers/place.ts';
import { serviceUrls } from '../servers/service_urls.ts';
import { ToolError } from '../tool_error.ts';
import { processEnvironment, type Settings } from './process_environment.ts';

const FIRST_ADMIN_PORT = 9100;
const GATEWAY_PORT = 8080;
const GAME_SERVER_PORT = 7350;
const MAX_REPLICAS = 8;
const HOST = '127.0.0.1';
/** Logged when the example has registered with the platform. */
const GAME_SERVER_READY = '"msg":"ready"';
/** It would wait for its games to end, which nobody watches any more. */
const GAME_SERVER_GRACE_MS = 2_000;
/** Long enough for each player to send more than a hundred inputs. */
const MATCH_SECONDS = '10';

/** One process of the system and where it is. */
export interface PlannedProcess extends SupervisedSpec {
  /** Prefix of the service; `game-server` for the example. */
  readonly role: string;
  readonly url: string;
}

export interface SystemPlan {
  readonly apps: readonly PlannedProcess[];
  readonly gameServer: PlannedProcess;
  readonly gatewayUrls: readonly string[];
}

export interface PlanInput {
  readonly clone: Clone;
  readonly places: ServerPlaces;
  readonly settings: Settings;
}

/** WARREN_REPLICAS as a number. */
function replicasOf(settings: Settings): number {
  const count = Number(settings['WARREN_REPLICAS'] ?? '1');
  if (Number.isInteger(count) && count >= 1 && count <= MAX_REPLICAS) return count;
  throw new ToolError(`WARREN_REPLICAS must be a whole number from 1 to ${MAX_REPLICAS}.`);
}

function portOf(settings: Settings, name: string, fallback: number): number {
  const port = Number(settings[name] ?? fallback);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new ToolError(`${name} must be a port from 1 to 65535.`);
}

/** Decides which processes run, on which ports and with which environment. Prints a line for a port that is taken. */
export async function planSystem(input: PlanInput): Promise<SystemPlan> {
  const ports = new PortChooser(isPortFree);
  const choose = async (name: string, preferred: number): Promise<number> => {
    const port = await ports.choose(preferred);
    if (port !== preferred) say(`port ${preferred} (${name}) is taken: ${port} is used instead`);
    return port;
  };
  const apps: PlannedProcess[] = [];
  const gatewayUrls: string[] = [];
  for (let replica = 1; replica <= replicasOf(input.settings); replica += 1) {
    for (const [index, service] of SERVICES.entries()) {
      const label = replica === 1 ? service.app : `${service.app}-${replica}`;
      const offset = (replica - 1) * 10;
      const upper = service.prefix.toUpperCase();
      const adminPort = await choose(
        `${label} admin`,
        portOf(input.settings, `${upper}_ADMIN_PORT`, FIRST_ADMIN_PORT + index) + offset,
      );
      const publicPort = service.delivers
        ? await choose(label, portOf(input.settings, 'GATEWAY_PORT', GATEWAY_PORT) + offset)
        : undefined;
      if (publicPort !== undefined) gatewayUrls.push(`http://${HOST}:${publicPort}`);
      apps.push(plannedApp(input, { label, prefix: service.prefix, app: service.app, adminPort, publicPort }));
    }
  }
  const port = await choose('game server', portOf(input.settings, 'GAME_SERVER_PORT', GAME_SERVER_PORT));
  return { apps, gatewayUrls, gameServer: plannedGameServer(input, port, gatewayUrls[0] ?? '') };
}

interface AppSlot {
  readonly label: string;
  readonly prefix: string;
  readonly app: string;
  readonly adminPort: number;
  readonly publicPort: number | undefined;
}

function plannedApp({ clone, places, settings }: PlanInput, slot: AppSlot): PlannedProcess {
  const { label, prefix, app, adminPort, publicPort } = slot;
  const upper = prefix.toUpperCase();
  const url = `http://${HOST}:${adminPort}`;
  return {
    name: label,
    role: prefix,
    script: path.join(clone.root, 'apps', app, 'src', 'main.ts'),
    url,
    ready: { url: `${url}/readyz` },
    env: {
      ...processEnvironment(clone, settings, prefix),
      ...serviceUrls(places, settings, prefix),
      [`${upper}_ADMIN_PORT`]: String(adminPort),
      [`${upper}_ADMIN_HOST`]: HOST,
      ...(publicPort === undefined
        ? {}
        : { GATEWAY_PORT: String(publicPort), GATEWAY_HOST: settings['GATEWAY_HOST'] ?? HOST }),
    },
  };
}

function plannedGameServer({ clone, settings }: PlanInput, port: number, gatewayUrl: string): PlannedProcess {
  return {
    name: 'game-server',
    role: 'game-server',
    script: path.join(clone.root, 'examples', 'game-server', 'src', 'main.ts'),
    url: `ws://${HOST}:${port}`,
    ready: { log: GAME_SERVER_READY },
    stopGraceMs: GAME_SERVER_GRACE_MS,
    env: {
      ...processEnvironment(clone, settings, 'game-server'),
      WARREN_GATEWAY_URL: gatewayUrl,
      WARREN_SERVER_KEY: settings['WARREN_SERVER_KEY'] ?? '',
      GAME_SERVER_HOST: HOST,
      GAME_SERVER_PORT: String(port),
      GAME_SERVER_INSTANCE: settings['GAME_SERVER_INSTANCE'] ?? `${clone.id}-game`,
      GAME_MATCH_SECONDS: settings['GAME_MATCH_SECONDS'] ?? MATCH_SECONDS,
    },
  };
}
