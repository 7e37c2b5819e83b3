import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { accountInRoot, startAs } from './account.ts';
import { rabbitPrograms } from './server_binaries.ts';

/** A folder that pretends to be another Debian. */
let debian: string;

beforeEach(() => {
  debian = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-debian-'));
});
afterEach(() => fs.rmSync(debian, { recursive: true, force: true }));

function put(file: string, content = ''): void {
  const place = path.join(debian, file);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.writeFileSync(place, content, { mode: 0o755 });
}

test('the programs of RabbitMQ in another Debian have the names that they have there', () => {
  for (const name of ['rabbitmq-server', 'rabbitmqctl']) put(`usr/lib/rabbitmq/bin/${name}`);
  expect(() => rabbitPrograms(debian)).toThrow(`epmd, which RabbitMQ needs, is not installed in ${debian}.`);
  put('usr/bin/epmd');
  expect(rabbitPrograms(debian)).toEqual({
    server: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    ctl: '/usr/lib/rabbitmq/bin/rabbitmqctl',
    epmd: '/usr/bin/epmd',
  });
});

test('a command starts as the account that it is given, and keeps its folder', () => {
  const account = { name: 'rabbitmq', uid: 101, gid: 102 };
  expect(startAs(undefined, ['run'], '/home')).toEqual({ command: ['run'], options: { cwd: '/home' } });
  expect(startAs(account, ['run'], '/home')).toEqual({
    command: ['run'],
    options: { cwd: '/home', uid: 101, gid: 102 },
  });
  const { command, options } = startAs({ ...account, root: '/debian' }, ['run', 'fast'], '/debian/home');
  expect(command.slice(2)).toEqual([
    'chroot',
    '--userspec=101:102',
    '/debian',
    'env',
    '--chdir=/debian/home',
    'run',
    'fast',
  ]);
  expect(options).toEqual({ cwd: '/' });
});

test('a server in another Debian has the account that it has there, and paths stay what they are; only root runs it', () => {
  put('etc/passwd', 'root:x:0:0::/:/bin/sh\nrabbitmq:x:4321:4322::/:/bin/false\n');
  if (process.getuid?.() !== 0) {
    expect(() => accountInRoot('rabbitmq', debian)).toThrow(`Only root can run the servers of ${debian}.`);
    return;
  }
  expect(accountInRoot('rabbitmq', debian)).toEqual({ name: 'rabbitmq', uid: 4321, gid: 4322, root: debian });
  put('etc/passwd', 'nobody:x:7:8::/:/bin/false\n');
  expect(accountInRoot('rabbitmq', debian)).toMatchObject({ name: 'nobody', uid: 7 });
  expect(fs.realpathSync(path.join(debian, debian))).toBe('/');
});
