import { type AdminFailure, BrokerAdmin, evalErlang, listUsers, probePort } from '@warren/provision';
import { sentenceOf, ToolError } from '../tool_error.ts';
import type { FindContext } from './find_context.ts';
import { type Attempt, hostPortOf, type RabbitPlace, vhostOf } from './place.ts';
import { namedVhost, rabbitLoginFailure, rabbitUrl } from './rabbit_login.ts';

const STANDARD_PORT = 5672;
const MANAGEMENT_PORT = 15672;
/** Where a broker of this machine enters itself in Erlang's register of nodes. */
const EPMD_PORT = 4369;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** How to administer a broker, or why that is not possible. */
type AdminSearch = { admin: BrokerAdmin } | { reason: string };

/** Step 1: RABBITMQ_URL. With rights to administer, Warren gets a vhost and users; without, the given user serves everything. */
export async function rabbitFromUrl(context: FindContext): Promise<Attempt<RabbitPlace>> {
  const given = context.settings['RABBITMQ_URL'];
  if (given === undefined) return { next: 'RABBITMQ_URL is not set' };
  const url = parseUrl(given);
  const failure = await rabbitLoginFailure(given);
  if (failure !== undefined) {
    throw new ToolError(
      `rabbitmq: RABBITMQ_URL is set, but ${url.host} cannot be used: ${failure}. Mend it or remove it.`,
    );
  }
  const found = await adminOfUrl(given, context);
  const place = { kind: 'rabbitmq', origin: 'url', userPrefix: `${context.clone.id}-` } as const;
  if ('admin' in found) {
    const vhost = namedVhost(given) ?? vhostOf(context.clone.id);
    return {
      use: { ...place, url: withoutUser(given), vhost, admin: found.admin },
      reason: `RABBITMQ_URL is set: ${url.host}, vhost ${vhost}`,
    };
  }
  const vhost = namedVhost(given) ?? '/';
  const reason = `RABBITMQ_URL is set: ${url.host}, vhost ${vhost}; WARNING: one broker user for every service, for development only, because ${found.reason}`;
  return { use: { ...place, url: given, vhost }, reason };
}

function parseUrl(given: string): URL {
  try {
    const url = new URL(given);
    if (url.protocol === 'amqp:' || url.protocol === 'amqps:') return url;
  } catch {
    // said below
  }
  throw new ToolError('rabbitmq: RABBITMQ_URL is set, but is no URL of the form amqp://user:password@host:5672/vhost.');
}

function withoutUser(given: string): string {
  const url = new URL(given);
  url.username = '';
  url.password = '';
  url.pathname = '';
  return url.href;
}

async function adminOfUrl(given: string, context: FindContext): Promise<AdminSearch> {
  const url = new URL(given);
  const explicit = context.settings['RABBITMQ_ADMIN_URL'];
  if (explicit !== undefined) return explicitAdmin(explicit);
  if (url.protocol === 'amqp:' && LOOPBACK.has(url.hostname)) {
    const found = await ctlAdminOf(Number(url.port || STANDARD_PORT));
    if ('admin' in found) return found;
  }
  const api = new URL(`http://${url.hostname}:${MANAGEMENT_PORT}`);
  api.username = url.username || 'guest';
  api.password = url.password || 'guest';
  const found = await httpAdminOf(api);
  if ('admin' in found) return found;
  return { reason: 'nothing administers this broker (set RABBITMQ_ADMIN_URL to its management API to change that)' };
}

async function explicitAdmin(explicit: string): Promise<AdminSearch> {
  const admin = BrokerAdmin.safeParse({ kind: 'http', url: explicit });
  if (!admin.success)
    throw new ToolError('rabbitmq: RABBITMQ_ADMIN_URL must look like http://user:password@host:15672.');
  const users = await listUsers(admin.data);
  if (users.ok) return { admin: admin.data };
  throw new ToolError(
    `rabbitmq: RABBITMQ_ADMIN_URL is set, but cannot be used: ${sentenceOf(users.message)}. Mend it or remove it.`,
  );
}

/** Step 2: the server on 5672, in a vhost of our own, when this account may administer it. */
export async function rabbitFromLocal(context: FindContext): Promise<Attempt<RabbitPlace>> {
  const port = context.standardPorts.rabbitmq;
  if (!(await probePort('127.0.0.1', port))) return { next: `nothing listens on port ${port}` };
  const vhost = vhostOf(context.clone.id);
  const place = {
    kind: 'rabbitmq',
    origin: 'local',
    url: `amqp://127.0.0.1:${port}`,
    vhost,
    userPrefix: `${context.clone.id}-`,
  } as const;
  const reason = `a RabbitMQ runs on port ${port}; vhost ${vhost} in it`;
  const known = context.previous?.rabbitmq;
  // Asking the broker's tool costs a second; a login with what was set up last time proves the same.
  if (
    known?.origin === 'local' &&
    known.url === place.url &&
    known.admin !== undefined &&
    (await stillLogsIn(known, context))
  ) {
    return { use: { ...place, admin: known.admin }, reason };
  }
  const found = await localAdmin(port);
  return 'admin' in found
    ? { use: { ...place, admin: found.admin }, reason }
    : { next: `the server on port ${port} is not used: ${found.reason}` };
}

async function stillLogsIn(known: RabbitPlace, context: FindContext): Promise<boolean> {
  const password = context.settings['OPS_RABBITMQ_PASSWORD'] ?? '';
  return (
    (await rabbitLoginFailure(rabbitUrl(known.url, known.vhost, { user: `${known.userPrefix}ops`, password }))) ===
    undefined
  );
}

async function localAdmin(port: number): Promise<AdminSearch> {
  const byTool = await ctlAdminOf(port);
  if ('admin' in byTool) return byTool;
  const byApi = await httpAdminOf(new URL(`http://guest:guest@127.0.0.1:${MANAGEMENT_PORT}`));
  return 'admin' in byApi ? byApi : { reason: `${byTool.reason}, ${byApi.reason}` };
}

/** Only a tool that reaches the very broker that listens on `port` will do. */
async function ctlAdminOf(port: number): Promise<AdminSearch> {
  // without a register there is no broker to reach, and the tool would start one, which nobody ends
  if (!(await probePort('127.0.0.1', EPMD_PORT))) return { reason: CTL_REASONS.unreachable };
  const admin = { kind: 'rabbitmqctl' as const, command: ['rabbitmqctl'], env: {} };
  const ports = await evalErlang(admin, '[element(6, L) || L <- rabbit_networking:active_listeners()].');
  if (!ports.ok) return { reason: CTL_REASONS[ports.reason] };
  const listens = ports.value.match(/\d+/g)?.map(Number).includes(port) ?? false;
  return listens ? { admin } : { reason: 'rabbitmqctl belongs to another broker' };
}

const CTL_REASONS: Record<AdminFailure, string> = {
  missing: 'rabbitmqctl is not installed',
  not_permitted: 'rabbitmqctl is not permitted to this account',
  unreachable: 'rabbitmqctl does not reach it',
  failed: 'rabbitmqctl failed',
};

async function httpAdminOf(url: URL): Promise<AdminSearch> {
  const port = Number(url.port);
  if (!(await probePort(url.hostname, port))) return { reason: `no management API on port ${port}` };
  const admin: BrokerAdmin = { kind: 'http', url: url.href };
  const users = await listUsers(admin);
  return users.ok ? { admin } : { reason: `the management API on ${hostPortOf(url.href)} does not permit it` };
}
