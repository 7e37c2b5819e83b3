import fs from 'node:fs';
import path from 'node:path';
import { PLACEHOLDER } from '@warren/kernel';
import { SERVICES } from '@warren/rabbit';
import { secretMakers } from './env/secrets.ts';
import { readAppSettings, type Setting, settingsOf } from './env/settings_catalog.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const target = path.join(root, '.env.example');
const WIDTH = 120;

const HEADING = `Settings of Warren. Generated from the settings schemas of the apps by tools/src/generate_env_example.ts.
\`npm start\` needs none of them: it finds or starts the servers and writes the secrets (as \`npm run env\` does) into .env.
Each service looks for <PREFIX>_<NAME> first and then for <NAME>; <NAME>_FILE names a file that holds the value.
A line that is commented out shows the default. Production refuses every value that holds "${PLACEHOLDER}".`;

/** Set by hand only where the servers are given; otherwise \`npm start\` chooses them. */
const SERVERS: readonly (readonly [string, string])[] = [
  ['RABBITMQ_URL', 'amqp://user:password@host:port/vhost; with it `npm start` uses this broker'],
  [
    'RABBITMQ_ADMIN_URL',
    'its management API, http://user:password@host:15672; without it one broker user serves every service',
  ],
  [
    'OPS_RABBITMQ_URL',
    'for `warren dlq` without rights of an administrator: amqp://ops:password@host:port/vhost; found by itself otherwise',
  ],
  ['DATABASE_URL', 'postgres://role:password@host:port/database; with it `npm start` uses this Postgres'],
  ['DATABASE_ADMIN_URL', 'for `warren setup` of a deployment: a role that may create databases and roles'],
  ['REDIS_URL', 'redis://user:password@host:port; with it `npm start` uses this Redis'],
];
const SECRET_NOTES: Readonly<Record<string, string>> = {
  RABBITMQ_ADMIN_PASSWORD: 'password of the administrator of the RabbitMQ of docker-compose.yml',
  POSTGRES_PASSWORD: 'password of the superuser of the Postgres of docker-compose.yml',
  REDIS_PASSWORD: 'password of the Redis of docker-compose.yml',
  AUTH_KEY_ENCRYPTION_KEY: '32 random bytes in base64; encrypts the private signing keys in the database',
  IDEMPOTENCY_HMAC_KEY: '32 random bytes in base64; fingerprints of requests are made with it',
  WARREN_SERVER_KEY: 'fleet key with which the example game server joins',
};

function comment(text: string): string {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

function section(title: string, entries: readonly string[]): string {
  return `\n# --- ${title} ---\n\n${entries.join('\n')}\n`;
}

function secretNote(name: string): string {
  const password = /^([A-Z]+)_(RABBITMQ|DATABASE)_PASSWORD$/.exec(name);
  if (password === null) return SECRET_NOTES[name] ?? '';
  return `password of the ${password[2] === 'RABBITMQ' ? 'broker user' : 'database role'} ${password[1]?.toLowerCase() ?? ''}`;
}

function settingLines(setting: Setting, count: number): string {
  const { name, description, fallback, services } = setting;
  const who = services.length === count ? '' : ` (${services.join(', ')})`;
  return `${comment(`${description}${who}`)}\n# ${name}=${fallback ?? ''}`;
}

/** The whole file. */
async function envExample(): Promise<string> {
  const apps = await Promise.all(SERVICES.map((service) => readAppSettings(root, service)));
  const secrets = [...secretMakers().keys()];
  const apart = new Set([...secrets, ...SERVERS.map(([name]) => name)]);
  const settings = settingsOf(apps).filter(({ name }) => !apart.has(name));
  const shared = settings.filter(({ services }) => services.length > 1);
  const own = settings.filter(({ services }) => services.length === 1);
  return [
    HEADING.split('\n')
      .map((line) => `# ${line}`)
      .join('\n'),
    '\n',
    section(
      'secrets',
      secrets.map((name) => `${comment(secretNote(name))}\n${name}=${PLACEHOLDER}`),
    ),
    section(
      'servers',
      SERVERS.map(([name, description]) => `${comment(description)}\n# ${name}=`),
    ),
    section(
      'shared by services',
      shared.map((setting) => settingLines(setting, apps.length)),
    ),
    ...apps.map(({ prefix }) => {
      const mine = own.filter(({ services }) => services[0] === prefix);
      return mine.length === 0
        ? ''
        : section(
            prefix,
            mine.map((setting) => settingLines(setting, 1)),
          );
    }),
  ].join('');
}

const text = await envExample();
if (!process.argv.includes('--check')) fs.writeFileSync(target, text);
else if (!fs.existsSync(target) || fs.readFileSync(target, 'utf8') !== text) {
  process.stderr.write(
    '.env.example differs from the settings schemas: run `node tools/src/generate_env_example.ts`\n',
  );
  process.exitCode = 1;
}
