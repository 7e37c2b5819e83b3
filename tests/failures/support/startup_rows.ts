import type { Role, WarrenSystem } from '../../e2e/support/warren_system.ts';
import { type BrokenPlaces, PASSWORD } from './broken_places.ts';

/** What a row changes in the environment of a service that would start; undefined takes a variable away. */
export type Change = Readonly<Record<string, string | undefined>>;

export interface StartupRow {
  readonly what: string;
  readonly role: Role;
  readonly change: (places: BrokenPlaces, system: WarrenSystem) => Change;
  /** The one line on standard error holds all of these. */
  readonly says: readonly (string | RegExp)[];
  /** Meanwhile /readyz names this dependency. */
  readonly notReady?: string;
}

type Row = Omit<StartupRow, 'role'> & { readonly role?: Role };

const row = ({ role = 'auth', ...rest }: Row): StartupRow => ({ role, ...rest });
const set = (change: Change) => (): Change => change;

/** A URL with another part. */
function altered(
  url: string | undefined,
  parts: Partial<Pick<URL, 'host' | 'password' | 'pathname' | 'username'>>,
): string {
  return Object.assign(new URL(url ?? ''), parts).href;
}

const brokerRows: readonly Row[] = [
  { what: 'RABBITMQ_URL missing', change: set({ RABBITMQ_URL: undefined }), says: ['RABBITMQ_URL is missing'] },
  {
    what: 'RABBITMQ_URL malformed',
    change: set({ RABBITMQ_URL: `amqp//auth:${PASSWORD}@host` }),
    says: ['RABBITMQ_URL'],
  },
  {
    what: 'RABBITMQ_URL of another protocol',
    change: set({ RABBITMQ_URL: `http://auth:${PASSWORD}@127.0.0.1` }),
    says: ['RABBITMQ_URL'],
  },
  {
    what: 'broker: wrong password',
    change: (_, system) => ({ RABBITMQ_URL: altered(system.brokerUrl('auth'), { password: PASSWORD }) }),
    says: ['RABBITMQ_URL', 'password of user'],
  },
  {
    what: 'broker: wrong vhost',
    change: (_, system) => ({ RABBITMQ_URL: altered(system.brokerUrl('auth'), { pathname: '/no-such-vhost' }) }),
    says: ['RABBITMQ_URL', 'vhost'],
  },
  {
    what: 'broker: port closed',
    change: ({ closedPort }, system) => ({
      RABBITMQ_URL: altered(system.brokerUrl('auth'), { host: `127.0.0.1:${closedPort}` }),
    }),
    says: ['RABBITMQ_URL', 'not reached'],
    notReady: 'rabbitmq-publish',
  },
  {
    what: 'broker: never answers',
    change: ({ silentPort }, system) => ({
      RABBITMQ_URL: altered(system.brokerUrl('auth'), { host: `127.0.0.1:${silentPort}` }),
    }),
    says: ['RABBITMQ_URL', 'not reached'],
    notReady: 'rabbitmq-publish',
  },
  {
    what: 'broker: user without rights',
    change: ({ noRights }) => ({ RABBITMQ_URL: noRights }),
    says: ['BROKER_ACCESS_REFUSED', 'queue auth.rpc'],
  },
  {
    what: 'broker: set-up not run',
    change: ({ noExchanges }) => ({ RABBITMQ_URL: noExchanges }),
    says: ['BROKER_TOPOLOGY_MISSING', /exchange warren\./],
  },
  {
    what: 'broker: queue drifted',
    change: ({ driftedQueue }) => ({ RABBITMQ_URL: driftedQueue }),
    says: ['BROKER_TOPOLOGY_DRIFT', 'queue auth.rpc'],
  },
  {
    what: 'broker: one user for all in production',
    change: (_, system) => ({
      NODE_ENV: 'production',
      RABBITMQ_URL: altered(system.brokerUrl('auth'), { username: 'everybody' }),
    }),
    says: ['RABBITMQ_URL', 'production'],
  },
];

const databaseRows: readonly Row[] = [
  { what: 'DATABASE_URL missing', change: set({ DATABASE_URL: undefined }), says: ['DATABASE_URL is missing'] },
  {
    what: 'database: wrong password',
    change: ({ lockedPostgres }) => ({ DATABASE_URL: altered(lockedPostgres, { password: PASSWORD }) }),
    says: ['DATABASE_URL', 'password'],
  },
  {
    what: 'database: does not exist',
    change: (_, system) => ({ DATABASE_URL: altered(system.databaseUrl('auth'), { pathname: '/no_such_database' }) }),
    says: ['DATABASE_URL', 'does not exist'],
  },
  {
    what: 'database: port closed',
    change: ({ closedPort }, system) => ({
      DATABASE_URL: altered(system.databaseUrl('auth'), { host: `127.0.0.1:${closedPort}` }),
    }),
    says: ['DATABASE_URL', 'cannot be reached'],
    notReady: 'postgres',
  },
  {
    what: 'database: never answers',
    change: ({ silentPort }, system) => ({
      DATABASE_URL: altered(system.databaseUrl('auth'), { host: `127.0.0.1:${silentPort}` }),
    }),
    says: ['DATABASE_URL', 'cannot be reached'],
    notReady: 'postgres',
  },
  {
    what: 'schema: never made',
    change: ({ unmigrated }) => ({ DATABASE_URL: unmigrated }),
    says: ['schema "auth" is older', 'migrate'],
  },
  {
    what: 'schema: older than the code',
    change: ({ older }) => ({ DATABASE_URL: older }),
    says: ['schema "auth" is older', 'migrate'],
  },
  {
    what: 'schema: newer than the code',
    change: ({ newer }) => ({ DATABASE_URL: newer }),
    says: ['schema "auth" is newer'],
  },
  {
    what: 'DATABASE_MIGRATE outside of development',
    change: set({ DATABASE_MIGRATE: 'true' }),
    says: ['DATABASE_MIGRATE', 'development'],
  },
];

const redisRows: readonly Row[] = [
  { what: 'REDIS_URL missing', role: 'gateway', change: set({ REDIS_URL: undefined }), says: ['REDIS_URL is missing'] },
  {
    what: 'redis: wrong password',
    role: 'gateway',
    change: ({ lockedRedis }) => ({ REDIS_URL: altered(lockedRedis, { password: PASSWORD }) }),
    says: ['REDIS_URL', 'refuses the login'],
  },
  {
    what: 'redis: port closed',
    role: 'gateway',
    change: ({ closedPort }) => ({ REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${closedPort}` }),
    says: ['REDIS_URL', 'cannot be reached'],
    notReady: 'redis',
  },
  {
    what: 'redis: never answers',
    role: 'allocator',
    change: ({ silentPort }) => ({ REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${silentPort}` }),
    says: ['REDIS_URL', 'cannot be reached'],
    notReady: 'redis',
  },
];

const WEAK_KEY = Buffer.alloc(32, 'w').toString('base64');

const secretRows: readonly Row[] = [
  {
    what: 'AUTH_KEY_ENCRYPTION_KEY missing',
    change: set({ AUTH_KEY_ENCRYPTION_KEY: undefined }),
    says: ['AUTH_KEY_ENCRYPTION_KEY is missing'],
  },
  {
    what: 'AUTH_KEY_ENCRYPTION_KEY a placeholder',
    change: set({ AUTH_KEY_ENCRYPTION_KEY: 'replace-me' }),
    says: ['AUTH_KEY_ENCRYPTION_KEY'],
  },
  {
    what: 'AUTH_KEY_ENCRYPTION_KEY one repeated byte',
    change: set({ AUTH_KEY_ENCRYPTION_KEY: WEAK_KEY }),
    says: ['AUTH_KEY_ENCRYPTION_KEY'],
  },
  {
    what: 'AUTH_KEY_ENCRYPTION_KEY_FILE without a file',
    change: set({ AUTH_KEY_ENCRYPTION_KEY: undefined, AUTH_KEY_ENCRYPTION_KEY_FILE: '/no/such/file' }),
    says: ['AUTH_KEY_ENCRYPTION_KEY_FILE', 'cannot be read'],
  },
  {
    what: 'IDEMPOTENCY_HMAC_KEY well known',
    role: 'coordinator',
    change: set({ IDEMPOTENCY_HMAC_KEY: '0123456789abcdef0123456789abcdef' }),
    says: ['IDEMPOTENCY_HMAC_KEY'],
  },
  {
    what: 'a placeholder for a password in production',
    change: (_, system) => ({
      NODE_ENV: 'production',
      RABBITMQ_URL: altered(system.brokerUrl('auth'), { password: 'replace-me' }),
    }),
    says: ['RABBITMQ_URL', 'password'],
  },
  {
    what: 'a well-known password in production',
    change: (_, system) => ({
      NODE_ENV: 'production',
      DATABASE_URL: altered(system.databaseUrl('auth'), { password: 'postgres' }),
    }),
    says: ['DATABASE_URL', 'password'],
  },
];

const settingRows: readonly Row[] = [
  { what: 'LOG_LEVEL=loud', change: set({ LOG_LEVEL: 'loud' }), says: ['LOG_LEVEL', 'must be one of'] },
  { what: 'GATEWAY_PORT=abc', role: 'gateway', change: set({ GATEWAY_PORT: 'abc' }), says: ['GATEWAY_PORT'] },
  {
    what: 'two settings at once',
    role: 'gateway',
    change: set({ GATEWAY_PORT: '70000', LOG_FORMAT: 'xml' }),
    says: ['GATEWAY_PORT', 'LOG_FORMAT'],
  },
  {
    what: 'admin port taken',
    change: ({ silentPort }) => ({ AUTH_ADMIN_PORT: String(silentPort) }),
    says: ['ADMIN_PORT', 'taken'],
  },
  {
    what: 'gateway port taken',
    role: 'gateway',
    change: ({ silentPort }) => ({ GATEWAY_PORT: String(silentPort) }),
    says: ['GATEWAY_PORT', 'taken'],
  },
  {
    what: 'ALLOCATOR_ALLOWED_ADDRESSES missing in production',
    role: 'allocator',
    change: set({ NODE_ENV: 'production' }),
    says: ['ALLOCATOR_ALLOWED_ADDRESSES is missing'],
  },
];

/** Each starts one service with one thing wrong. */
export const STARTUP_ROWS: readonly StartupRow[] = [
  ...brokerRows,
  ...databaseRows,
  ...redisRows,
  ...secretRows,
  ...settingRows,
].map(row);
