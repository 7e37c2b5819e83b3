import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppKit, type Child } from './app_kit.ts';

let kit: AppKit;

beforeAll(async () => {
  kit = await AppKit.open();
});

afterAll(() => kit.close());

const ready = async (child: Child): Promise<Child> => {
  await child.says('ready');
  return child;
};

test('SIGTERM ends with 0, every step undone in reverse, and no log line is lost', async () => {
  const child = await ready(kit.spawn());
  child.kill('SIGTERM');
  expect(await child.exit).toBe(0);
  expect(child.stderr).toBe('');
  const started = child.lines('started').map((line) => line['step']);
  expect(started).toEqual([
    'admin server',
    'postgres',
    'redis',
    'rabbitmq publish link',
    'rabbitmq consume link',
    'topology',
    'rpc client',
    'outbox relay',
    'listener coordinator.rpc',
    'listener coordinator.events.leases',
    'inbox janitor',
  ]);
  const stopped = child.lines('stopped').map((line) => line['step']);
  expect(stopped.at(0)).toBe('listeners and background work');
  expect(stopped.slice(-3)).toEqual(['postgres probe', 'postgres', 'admin server']);
});

test('a second signal ends the process at once', async () => {
  const child = await ready(kit.spawn());
  const startedAt = performance.now();
  child.kill('SIGINT');
  child.kill('SIGTERM');
  expect(await child.exit).toBe(1);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('SIGTERM during a start that waits gives the start up and ends with 0', async () => {
  const child = kit.spawn({ DATABASE_URL: 'postgres://postgres@127.0.0.1:9/nowhere' });
  await child.says('started');
  child.kill('SIGTERM');
  expect(await child.exit).toBe(0);
  expect(child.lines('stopped').map((line) => line['step'])).toContain('admin server');
  expect(child.lines('ready')).toEqual([]);
});

test('an exception that nobody caught is reported in one line, the service is stopped in order, and the exit code is 1', async () => {
  const child = await ready(kit.spawn({}, ['crash']));
  expect(await child.exit).toBe(1);
  expect(child.stderr).toBe('coordinator: SERVICE_INTERNAL: RangeError: thrown by nobody\n');
  expect(child.lines('stopped').map((line) => line['step'])).toContain('rabbitmq publish link');
});

test.each([
  [
    'settings',
    { DATABASE_URL: 'mysql://x', REDIS_URL: '' },
    /^coordinator: SETTINGS_INVALID: Settings are not usable: DATABASE_URL: .*REDIS_URL is missing/,
  ],
  [
    'migrations outside of development',
    { DATABASE_MIGRATE: 'true' },
    /^coordinator: SETTINGS_INVALID: DATABASE_MIGRATE: only with NODE_ENV=development/,
  ],
  [
    'a shared broker user in production',
    { NODE_ENV: 'production', RABBITMQ_URL: 'amqp://shared:Kq7vXw2mPz9rTn4b@127.0.0.1/w' },
    /^coordinator: SETTINGS_INVALID: RABBITMQ_URL: the user name must end with "coordinator"/,
  ],
])('a start that fails for %s ends with one line on standard error and exit code 1', async (_what, env, line) => {
  const child = kit.spawn(env);
  expect(await child.exit).toBe(1);
  expect(child.stderr).toMatch(line);
  expect(child.stderr.trim().split('\n')).toHaveLength(1);
});
