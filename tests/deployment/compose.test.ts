import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSettings } from '@warren/kernel';
import { brokerPrefixes, SERVICES } from '@warren/rabbit';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { REPO } from '../e2e/support/app_process.ts';
import {
  environmentOf,
  interpolate,
  interpolationsOf,
  parseCompose,
  readEnvExample,
  readRepoFile,
} from './support/compose_file.ts';
import { composeFaults } from './support/compose_rules.ts';
import { freshSecrets } from './support/secrets.ts';

const text = readRepoFile('docker-compose.yml');
const compose = parseCompose(text);
const BACKING = ['rabbitmq', 'postgres', 'redis'];

/** The settings schema that an app's own folder exports. */
async function schemaOf(app: string): Promise<z.ZodObject> {
  const folder = path.join(REPO, 'apps', app, 'src');
  const file = fs.readdirSync(folder).find((name) => name.endsWith('_env.ts')) ?? '';
  const exported: unknown = await import(pathToFileURL(path.join(folder, file)).href);
  const values: unknown[] = typeof exported === 'object' && exported !== null ? Object.values(exported) : [];
  const schema = values.find((value) => value instanceof z.ZodObject);
  if (schema === undefined) throw new Error(`apps/${app} exports no settings schema`);
  return schema;
}

test('the compose file holds every app, the set-up and the three servers', () => {
  const names = Object.keys(compose.services);
  expect(names).toEqual(
    expect.arrayContaining([...SERVICES.map(({ app }) => app), ...BACKING, 'setup', 'game-server']),
  );
  for (const { app } of SERVICES) expect(compose.services[app]?.build?.args.APP).toBe(app);
  for (const { app } of SERVICES) expect(compose.services[app]?.depends_on).toHaveProperty('setup');
});

test('the broker refuses what nobody would read', () => {
  const { configs = [] } = compose.services['rabbitmq'] ?? {};
  const limits = configs.map(({ source }) => compose.configs[source]?.content);
  expect(limits).toEqual(['max_message_size = 1048576\n']);
  expect(readRepoFile('docs', 'operations.md')).toContain('`max_message_size = 1048576`');
});

test('the compose file breaks none of the rules', () => {
  expect(composeFaults(compose)).toEqual([]);
});

describe('each rule finds a planted fault', () => {
  test.each([
    [
      'an unknown dependency',
      'gateway: { condition: service_healthy }',
      'gate: { condition: service_healthy }',
      'which is no service',
    ],
    [
      'health without a check',
      'setup: { condition: service_completed_successfully }',
      'setup: { condition: service_healthy }',
      'has no check',
    ],
    ['an undeclared volume', 'rabbitmq:/var/lib/rabbitmq', 'rabbit:/var/lib/rabbitmq', 'which is not declared'],
    ['an undeclared config', 'source: rabbitmq', 'source: rabbit', 'which is not there'],
    ['an unused volume', '  postgres:\n$', '  postgres:\n  other:\n', 'volume other is used by nobody'],
    ['a published management port', '127.0.0.1::5672', '127.0.0.1::15672', 'publishes the private port 15672'],
    ['a port for everybody', '127.0.0.1::6379', '0.0.0.0::6379', 'which is not bound to 127.0.0.1'],
    ['one port twice', '127.0.0.1:7350:7350', '127.0.0.1:8080:7350', 'publish the same port'],
    ['a moving tag', 'redis:7.4.5-bookworm', 'redis:latest', 'whose tag is not exact'],
    ['root', 'user: redis', 'user: root', 'runs as root'],
    ['a missing script', 'examples/game-server/src/main.ts', 'examples/game/src/main.ts', 'which is not there'],
    ['a missing app', 'APP: coordinator', 'APP: matchmaker', 'which is not there'],
    [
      'a grace that is too short',
      'stop_grace_period: 20s\n  depends_on',
      'stop_grace_period: 5s\n  depends_on',
      'is killed after 5000 ms',
    ],
    ['no init', 'init: true', 'init: false', 'has no init'],
  ])('%s', (_case, before, after, fault) => {
    const pattern = before.endsWith('$') ? new RegExp(before) : before;
    const broken = text.replace(pattern, after);
    expect(broken).not.toBe(text);
    expect(composeFaults(parseCompose(broken)).join('\n')).toContain(fault);
  });

  test.each([
    ['a misspelt key', 'stop_grace_period: 75s', 'stop_grace: 75s'],
    ['an unknown key of the file', 'volumes:\n  rabbitmq', 'networks:\n  a:\n\nvolumes:\n  rabbitmq'],
    ['a duration without a unit', 'interval: 2s', 'interval: 2'],
    ['a health check in a shell', '["CMD", "redis-cli", "ping"]', 'redis-cli ping'],
  ])('%s is refused by the schema', (_case, before, after) => {
    const broken = text.replace(before, after);
    expect(broken).not.toBe(text);
    expect(() => parseCompose(broken)).toThrow();
  });
});

describe('variables', () => {
  const example = readEnvExample();
  const used = interpolationsOf(text);

  test('each is in .env.example or has a default', () => {
    expect(used.filter(({ name, mode }) => !example.names.has(name) && mode !== '-')).toEqual([]);
  });

  test('each secret is demanded by name, and nothing else is', () => {
    const secrets = new Set(example.secrets);
    expect(used.filter(({ name, mode }) => secrets.has(name) !== (mode === '?'))).toEqual([]);
    expect(new Set(used.filter(({ mode }) => mode === '?').map(({ name }) => name))).toEqual(secrets);
  });

  test('a default in the compose file does not contradict the one in the settings', () => {
    const lines = new Map(
      [...readRepoFile('.env.example').matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    const own = new Set(['GATEWAY_HOST', 'ALLOCATOR_ALLOWED_ADDRESSES']);
    const different = used.filter(({ name, mode, rest }) => mode === '-' && !own.has(name) && lines.get(name) !== rest);
    expect(different).toEqual([]);
  });

  test('without one secret the file is refused, with its name', () => {
    const { REDIS_PASSWORD: _missing, ...others } = freshSecrets();
    expect(() => interpolate(text, others)).toThrow('REDIS_PASSWORD: run npm run env');
  });

  test('the set-up gets the password of every broker user', () => {
    const given = Object.keys(compose.services['setup']?.environment ?? {});
    expect(given).toEqual(
      expect.arrayContaining(brokerPrefixes().map((prefix) => `${prefix.toUpperCase()}_RABBITMQ_PASSWORD`)),
    );
  });

  test('no app gets a secret of another service', () => {
    for (const { app, prefix } of SERVICES) {
      const names = interpolationsOf(JSON.stringify(compose.services[app])).map(({ name }) => name);
      const others = [
        ...SERVICES.map((service) => service.prefix),
        'owner',
        'topology',
        'ops',
        'rabbitmq_admin',
        'postgres',
      ];
      const foreign = others.filter((other) => other !== prefix).map((other) => `${other.toUpperCase()}_`);
      expect(
        names.filter((name) => /PASSWORD|KEY/.test(name) && foreign.some((start) => name.startsWith(start))),
      ).toEqual([]);
    }
  });
});

test.each(SERVICES.map(({ app, prefix }) => [app, prefix]))(
  'the environment of %s satisfies its settings in production',
  async (app, prefix) => {
    const env = environmentOf(compose, app, freshSecrets());
    const settings = readSettings(await schemaOf(app), { prefix: prefix.toUpperCase(), env });
    expect(settings).toMatchObject({ NODE_ENV: 'production', ADMIN_HOST: '0.0.0.0', LOG_FORMAT: 'json' });
    const user = new URL(env['RABBITMQ_URL'] ?? '').username;
    expect(user).toBe(prefix);
    // A value that no setting reads is a misspelt one.
    const known = Object.keys(settings).flatMap((name) => [name, `${prefix.toUpperCase()}_${name}`]);
    expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual([]);
  },
);
