import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { BrokerAdmin } from './admin_operations.ts';
import { freePortNear, waitForPort } from './ports.ts';
import {
  adoptServer,
  type LaunchContext,
  type PrivateServer,
  type PrivateServerOptions,
  type ServerRecipe,
  startServer,
} from './private_server.ts';
import type { PrivateState } from './private_state.ts';
import type { ProcessIdentity } from './process_identity.ts';
import { ProvisionError } from './provision_error.ts';
import { rabbitIsReady } from './readiness.ts';
import { newPassword } from './secrets.ts';
import { rabbitPrograms } from './server_binaries.ts';
import { makePrivateDir, writePrivate } from './server_home.ts';
import { startServerProcess } from './server_process.ts';

const USER = 'warren';
const EPMD_WAIT_MS = 10_000;
const LOG_BYTES = 10 * 1024 * 1024;
const LOG_FILES = 2;
/**
 * Without this Erlang's distribution, which gives full control to whoever knows the cookie, listens on every
 * address.
 */
const LOOPBACK_ONLY = '-kernel inet_dist_use_interface {127,0,0,1}';

export interface PrivateRabbitOptions extends PrivateServerOptions {
  /** Also serve the management API on a free port. Default false. */
  management?: boolean;
  /** Further lines of rabbitmq.conf, such as `consumer_timeout = 60000`. */
  configuration?: readonly string[];
  /**
   * A folder with another Debian, whose RabbitMQ is to run instead of this machine's. Takes root; the data folder must be
   * inside.
   */
  root?: string;
}

export interface PrivateRabbit extends PrivateServer {
  readonly admin: BrokerAdmin;
  /** The management API with user and password; only when started with `management`. */
  readonly managementUrl: string | undefined;
}

interface RecipeOptions extends Required<Pick<PrivateRabbitOptions, 'management' | 'configuration'>> {
  root: string | undefined;
}

type Rabbit = NonNullable<PrivateState['rabbit']>;

function configuration(context: LaunchContext, rabbit: Rabbit, extra: readonly string[]): string {
  const { port, password, home } = context;
  return [
    `listeners.tcp.default = 127.0.0.1:${port}`,
    // Taken only when the data folder is new; there is no user `guest` then.
    `default_user = ${USER}`,
    `default_pass = ${password}`,
    `log.dir = ${path.join(home, 'log')}`,
    'log.file = rabbit.log',
    `log.file.rotation.size = ${LOG_BYTES}`,
    `log.file.rotation.count = ${LOG_FILES}`,
    ...(rabbit.managementPort === undefined
      ? []
      : ['management.tcp.ip = 127.0.0.1', `management.tcp.port = ${rabbit.managementPort}`]),
    ...extra,
    '',
  ].join('\n');
}

/** Every path and port that the scripts would otherwise take from the system's own RabbitMQ. */
function nodeEnvironment(home: string, rabbit: Rabbit): Record<string, string> {
  return {
    HOME: home,
    RABBITMQ_NODENAME: rabbit.nodeName,
    RABBITMQ_DIST_PORT: String(rabbit.distPort),
    ERL_EPMD_PORT: String(rabbit.epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP_BYTES: '0',
    RABBITMQ_MNESIA_BASE: path.join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(home, 'log'),
    RABBITMQ_SCHEMA_DIR: path.join(home, 'schema'),
    RABBITMQ_GENERATED_CONFIG_DIR: path.join(home, 'schema'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(home, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: path.join(home, 'rabbitmq'),
    RABBITMQ_CONFIG_FILES: path.join(home, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: path.join(home, 'advanced.config'),
    RABBITMQ_PID_FILE: path.join(home, 'rabbit.pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: LOOPBACK_ONLY,
    RABBITMQ_CTL_ERL_ARGS: LOOPBACK_ONLY,
    // also for what the tool starts: it would leave an epmd behind when it asks for a broker that is gone
    ERL_AFLAGS: '-start_epmd false',
  };
}

async function chooseRabbit(context: LaunchContext, management: boolean): Promise<Rabbit> {
  const known = context.previous?.rabbit;
  const taken = new Set([context.port]);
  const pick = async (preferred: number | undefined): Promise<number> => {
    const port = await freePortNear(preferred, taken);
    taken.add(port);
    return port;
  };
  return {
    // The data folder is bound to the node's name.
    nodeName: known?.nodeName ?? `warren_${randomBytes(4).toString('hex')}@localhost`,
    epmdPort: await pick(known?.epmdPort),
    distPort: await pick(known?.distPort),
    ...(management ? { managementPort: await pick(known?.managementPort) } : {}),
  };
}

function writeFiles(context: LaunchContext, rabbit: Rabbit, extra: readonly string[]): void {
  const { home, account, previous } = context;
  for (const name of ['mnesia', 'log', 'schema', 'conf.d']) makePrivateDir(path.join(home, name), account);
  const plugins = rabbit.managementPort === undefined ? '[].\n' : '[rabbitmq_management].\n';
  writePrivate(path.join(home, 'enabled_plugins'), plugins, account);
  writePrivate(path.join(home, 'advanced.config'), '[].\n', account);
  writePrivate(path.join(home, 'rabbitmq.conf'), configuration(context, rabbit, extra), account);
  // Erlang insists on a cookie that nobody else can read.
  if (previous?.home !== home) writePrivate(path.join(home, '.erlang.cookie'), newPassword(), account);
}

/** An epmd of our own as a plain child: what a node starts by itself hides behind a fork, and everybody shares it. */
async function startEpmd(context: LaunchContext, rabbit: Rabbit, epmdProgram: string): Promise<ProcessIdentity> {
  const { home, account, dataDir } = context;
  const command = [epmdProgram, '-port', String(rabbit.epmdPort), '-address', '127.0.0.1'];
  const epmd = await startServerProcess({ command, cwd: home, logFile: path.join(dataDir, 'epmd.log'), account });
  if (await waitForPort('127.0.0.1', rabbit.epmdPort, EPMD_WAIT_MS)) return epmd;
  throw new ProvisionError('PROVISION_SERVER_NOT_READY', `epmd did not open port ${rabbit.epmdPort}.`);
}

function recipe({ management, configuration: extra, root }: RecipeOptions): ServerRecipe {
  return {
    kind: 'rabbitmq',
    accountName: 'rabbitmq',
    root,
    plainPathOnly: true,
    stopSignal: 'SIGTERM',
    graceMs: 60_000,
    readyTimeoutMs: 180_000,
    async launch(context) {
      const { home, account, logFile } = context;
      const programs = rabbitPrograms(root);
      const rabbit = await chooseRabbit(context, management);
      writeFiles(context, rabbit, extra);
      const epmd = await startEpmd(context, rabbit, programs.epmd);
      // `detached` makes the script replace itself by the Erlang machine, so that the process number stays the same.
      const env = { ...nodeEnvironment(home, rabbit), detached: 'true' };
      const server = await startServerProcess({ command: [programs.server], cwd: home, logFile, account, env });
      return { server, rabbit: { ...rabbit, epmd } };
    },
    isReady: (state) => rabbitIsReady(state.port),
    url: (state) => `amqp://${USER}:${state.password}@127.0.0.1:${state.port}`,
  };
}

function withAdmin({ server, state }: { server: PrivateServer; state: PrivateState }, root?: string): PrivateRabbit {
  const { rabbit } = state;
  if (rabbit === undefined)
    throw new ProvisionError('PROVISION_DATA_DIR_UNUSABLE', `${server.dataDir} records no RabbitMQ.`);
  const command = [...(root === undefined ? [] : ['chroot', root]), rabbitPrograms(root).ctl];
  const admin: BrokerAdmin = { kind: 'rabbitmqctl', command, env: nodeEnvironment(state.home, rabbit) };
  const api = rabbit.managementPort;
  return {
    ...server,
    admin,
    managementUrl: api === undefined ? undefined : `http://${USER}:${state.password}@127.0.0.1:${api}`,
  };
}

/**
 * Starts a RabbitMQ of one's own on 127.0.0.1 (the user of the URL is administrator, there is no `guest`), or adopts
 * the one that runs in the data folder. Takes 5 to 20 s.
 */
export async function startPrivateRabbit(options: PrivateRabbitOptions): Promise<PrivateRabbit> {
  const { management = false, configuration: extra = [], root } = options;
  return withAdmin(await startServer(recipe({ management, configuration: extra, root }), options), root);
}

/** The RabbitMQ that runs in the data folder, or undefined. */
export async function adoptPrivateRabbit(dataDir: string): Promise<PrivateRabbit | undefined> {
  const found = await adoptServer(recipe({ management: false, configuration: [], root: undefined }), dataDir);
  return found === undefined ? undefined : withAdmin(found);
}
