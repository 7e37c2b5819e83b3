import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { BrokerAdmin } from './admin_operations.ts';
import { exportDefinitions, listVhosts, unwrapAdminResult } from './broker_admin.ts';

const ctl = (...command: string[]): BrokerAdmin => ({ kind: 'rabbitmqctl', command, env: {} });
const says = (text: string): BrokerAdmin => ctl('/bin/sh', '-c', `echo '${text}' >&2; exit 1`);

test.each([
  ['missing', ctl('/no/such/rabbitmqctl')],
  ['not_permitted', says('Only root or rabbitmq should run rabbitmqctl')],
  ['not_permitted', says('Error when reading /x/.erlang.cookie: eacces')],
  ['not_permitted', ctl('/etc/passwd')],
  ['unreachable', says('Error: unable to perform an operation on node rabbit@here.')],
  ['failed', says('Something new')],
  ['failed', ctl('/bin/echo', 'not json')],
  ['unreachable', BrokerAdmin.parse({ kind: 'http', url: 'http://user:secret@127.0.0.1:1' })],
] as const)('An administration that is %s is a result, not an exception', async (reason, admin) => {
  const result = await listVhosts(admin);
  expect(result).toMatchObject({ ok: false, reason });
  expect(JSON.stringify(result)).not.toContain('secret');
});

test('An export that was disturbed is asked for again, and not for ever', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'export-'));
  const asked = path.join(folder, 'asked');
  const names = ['vhosts', 'users', 'permissions', 'topic_permissions', 'exchanges', 'queues', 'bindings', 'policies'];
  const whole = JSON.stringify(Object.fromEntries(names.map((name) => [name, []])));
  const afterTries = (count: number): BrokerAdmin =>
    ctl(
      '/bin/sh',
      '-c',
      `echo x >> '${asked}'; [ $(wc -l < '${asked}') -gt ${count} ] && echo '${whole}' || echo '{"error": 1}'`,
    );
  expect(await exportDefinitions(afterTries(2))).toMatchObject({ ok: true, value: { queues: [] } });
  expect(fs.readFileSync(asked, 'utf8')).toBe('x\nx\nx\n');
  expect(await exportDefinitions(afterTries(1_000))).toMatchObject({ ok: false, reason: 'failed' });
  fs.rmSync(folder, { recursive: true });
});

test('A result of no use becomes an error with a stable code for those who ask for it', async () => {
  const result = await listVhosts(ctl('/no/such/rabbitmqctl'));
  expect(() => unwrapAdminResult(result)).toThrow(expect.objectContaining({ code: 'PROVISION_COMMAND_MISSING' }));
  expect(unwrapAdminResult({ ok: true, value: 5 })).toBe(5);
});

test('A description with unknown or missing fields is refused', () => {
  expect(BrokerAdmin.safeParse({ kind: 'rabbitmqctl', command: [], env: {} }).success).toBe(false);
  expect(BrokerAdmin.safeParse({ kind: 'http', url: 'file:///etc/passwd' }).success).toBe(false);
  expect(BrokerAdmin.safeParse({ kind: 'http', url: 'http://x', user: 'y' }).success).toBe(false);
});
