import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '@warren/kernel';
import { brokerPrefixes, declareServiceTopology, EXCHANGES, RabbitLink, SERVICES } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import {
  deleteExchange,
  deleteQueue,
  importIntoVhost,
  RawBroker,
  readTestSettings,
  type TempVhost,
  tempVhost,
} from '@warren/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { writePrivateFile } from '../../src/clone/clone.ts';
import { brokerPasswordName } from '../../src/env/secrets.ts';
import type { ServerPlaces } from '../../src/servers/place.ts';
import { Operator } from '../operator.ts';

/** After the end of a command that does not wait for its reader. */
const LATE_MS = 6_000;
const PASSWORD = 'a-password-for-tests';
const NO_RIGHTS = { configure: '', write: '', read: '' };
const { brokerAdmin, rabbitmqUrl } = readTestSettings();

let vhost: TempVhost;
let operator: Operator;
const urlOf = (prefix: string): string => vhost.urlFor(vhost.userPrefix + prefix, PASSWORD);
const run = (...args: string[]): ReturnType<Operator['run']> => operator.run('topology', ...args);
const linesOf = ({ stdout }: { stdout: string }): string[] => stdout.trimEnd().split('\n');

/** The broker as the operator's commands know it after `npm start`. */
function placesOf(admin: ServerPlaces['rabbitmq']['admin']): ServerPlaces {
  const url = new URL(rabbitmqUrl);
  const { name, userPrefix } = vhost;
  return {
    rabbitmq: { kind: 'rabbitmq', origin: 'local', url: `amqp://${url.host}`, vhost: name, userPrefix, admin },
    postgres: { kind: 'postgres', origin: 'local', adminUrl: '', database: '', rolePrefix: '', singleRole: false },
    redis: { kind: 'redis', origin: 'local', url: '', keyPrefix: '' },
  };
}

const remember = (admin: ServerPlaces['rabbitmq']['admin']): void =>
  writePrivateFile(path.join(operator.home, 'state', 'servers.json'), JSON.stringify(placesOf(admin)));

beforeAll(async () => {
  vhost = await tempVhost();
  const secrets = brokerPrefixes().map((prefix) => [brokerPasswordName(prefix), PASSWORD] as const);
  operator = new Operator(Object.fromEntries(secrets));
  // the user who may do everything here is nobody whom the topology knows
  const { username } = new URL(rabbitmqUrl);
  await importIntoVhost(vhost, { permissions: [{ user: decodeURIComponent(username), ...NO_RIGHTS }] });
});

beforeEach(() => remember(brokerAdmin));

afterAll(async () => {
  operator.remove();
  await vhost.drop();
});

/** Every service starts once, which fails when a queue is not as it declares it. */
async function startServices(): Promise<void> {
  for (const { prefix } of SERVICES) {
    const shared = { logger: silentLogger(), metrics: new Metrics('test') };
    const link = new RabbitLink({ ...shared, url: urlOf(prefix), role: 'consume', name: `test.${prefix}` });
    link.start();
    await declareServiceTopology(link, prefix);
    await link.stop();
  }
}

test('topology plan shows all that an empty vhost misses, and changes nothing', async () => {
  for (const _ of ['once', 'twice']) {
    const { code, stdout, stderr } = await run('plan');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    for (const { name } of EXCHANGES) expect(lines).toContain(`+ exchange ${name}`);
    for (const prefix of brokerPrefixes()) expect(lines).toContain(`+ permissions of ${vhost.userPrefix}${prefix}`);
    expect(lines).toContain('+ binding warren.commands -> queue allocator.commands by "allocator.*"');
    expect(lines.at(-1)).toBe(`drift in vhost ${vhost.name}: ${lines.length - 1} missing, 0 different, 0 unknown`);
  }
});

test('a reader that comes late gets all that topology plan says', async () => {
  const { stdout: whole } = await run('plan');
  const { child, ended } = operator.start('topology', 'plan');
  child.stdout?.pause();
  await sleep(LATE_MS);
  child.stdout?.resume();
  expect(await ended).toMatchObject({ code: 2, stdout: whole });
});

test('topology apply makes it, so that every service starts with its own user; then there is no drift', async () => {
  const { code, stdout } = await run('apply');
  expect(code).toBe(0);
  expect(linesOf({ stdout })).toContain('created queue allocator.commands');
  await startServices();
  const same = `no drift: vhost ${vhost.name} is as rabbitmq_topology.ts declares it`;
  for (const command of ['plan', 'apply'])
    expect(await run(command)).toMatchObject({ code: 0, stdout: `${same}\n`, stderr: '' });
});

test('topology apply mends what is missing, and leaves what is different or unknown with its messages', async () => {
  const [admin, allocator] = [urlOf('topology'), urlOf('allocator')];
  await deleteExchange(admin, 'warren.push');
  await deleteQueue(allocator, 'allocator.commands');
  const queue = { durable: true, auto_delete: false, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 5 } };
  const binding = { source: 'warren.commands', destination_type: 'queue', routing_key: '#', arguments: {} } as const;
  const auth = `${vhost.userPrefix}auth`;
  await importIntoVhost(vhost, {
    queues: [
      { ...queue, name: 'allocator.commands' },
      { ...queue, name: 'allocator.old' },
    ],
    bindings: [{ ...binding, destination: 'allocator.old' }],
    permissions: [{ user: auth, configure: '.*', write: '.*', read: '.*' }],
  });
  const coordinator = await RawBroker.connect(urlOf('coordinator'));
  await coordinator.publish('warren.commands', 'allocator.work', Buffer.from('{}'));
  await coordinator.close();
  const planned = linesOf(await run('plan'));
  expect(planned).toContain('+ exchange warren.push');
  expect(planned).toContain('+ binding warren.push -> queue gateway.push.07 by "push.07"');
  const different = planned.find((line) => line.startsWith('~ queue allocator.commands:'));
  expect(different).toContain('x-max-length is 5, declared 1000000');
  expect(different).toContain('x-dead-letter-exchange is absent, declared "warren.dead"');
  const left = planned.filter((line) => /^[~-]/.test(line));
  expect(left).toHaveLength(4);
  const { code, stdout } = await run('apply');
  expect(code).toBe(2);
  const applied = linesOf({ stdout });
  expect(applied).toContain('created exchange warren.push');
  expect(applied.filter((line) => /^[+~-]/.test(line))).toEqual(left);
  for (const line of left) expect(applied[applied.indexOf(line) + 1]).toMatch(/^ {4}[A-Z`].*\.$/);
  expect(applied.at(-1)).toBe(`drift in vhost ${vhost.name}: 0 missing, 2 different, 2 unknown`);
  // the broker counts a moment later
  const kept = async (): Promise<number> =>
    (await vhost.queues()).find(({ name }) => name === 'allocator.old')?.messages ?? 0;
  await expect.poll(kept, { timeout: 15_000 }).toBeGreaterThan(0);
  expect(linesOf(await run('plan')).slice(0, -1)).toEqual(left);
});

test('topology diagram draws what is declared, without a broker', async () => {
  const { code, stdout } = await run('diagram');
  expect(code).toBe(0);
  expect(linesOf({ stdout })[0]).toBe('flowchart LR');
  expect(stdout).toContain('exchange_warren_rpc -->|"auth.*"| queue_auth_rpc');
});

test('without an administrator topology plan says what to set', async () => {
  remember(undefined);
  const { code, stderr } = await run('plan');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'warren: Only an administrator sees what the broker has: set RABBITMQ_ADMIN_URL.\n',
  });
});
