import { parse } from 'yaml';
import * as z from 'zod';
import { ToolError } from '../tool_error.ts';
import type { Draft } from './draft.ts';
import { insertAt } from './insertions.ts';
import type { ServiceNames } from './service_names.ts';

const FILE = 'docker-compose.yml';
const FIRST_ADMIN_PORT = 9100;
/** The set-up lists the passwords of the services before those of its own users. */
const BROKER_PASSWORDS_END = /^ +TOPOLOGY_RABBITMQ_PASSWORD:/m;
const DATABASE_PASSWORDS_END = /^ +WARREN_SERVER_KEY:/m;
/** What is no app comes after the apps, with the comment above it. */
const APPS_END = /^(?: {2}#.*\n)* {2}game-server:$/m;

const ComposeFile = z.looseObject({
  services: z.record(z.string(), z.looseObject({ environment: z.record(z.string(), z.unknown()).optional() })),
});

/** Drafts the container of an app, and its passwords for the set-up. `index` is its place among the services. */
export function addToCompose(draft: Draft, names: ServiceNames, index: number): void {
  const { upper, appName } = names;
  const password = (server: string): string => `${upper}_${server}_PASSWORD`;
  const line = (name: string): string => `      ${name}: \${${name}:?run npm run env}\n`;
  draft.change(FILE, (text) => {
    const withBroker = before(text, BROKER_PASSWORDS_END, line(password('RABBITMQ')));
    const withDatabase = before(withBroker, DATABASE_PASSWORDS_END, line(password('DATABASE')));
    return before(withDatabase, APPS_END, containerSource(names, FIRST_ADMIN_PORT + index));
  });
  const { services } = ComposeFile.parse(parse(draft.read(FILE), { merge: true }));
  const setup = services['setup']?.environment ?? {};
  if (services[appName] === undefined || !(password('RABBITMQ') in setup) || !(password('DATABASE') in setup)) refuse();
}

function before(text: string, place: RegExp, added: string): string {
  const found = place.exec(text);
  return found === null ? refuse() : insertAt(text, found.index, added);
}

function refuse(): never {
  throw new ToolError(`${FILE} is not of the form that this tool knows: nothing was changed.`);
}

const containerSource = ({ appName, prefix, upper }: ServiceNames, adminPort: number): string => `  ${appName}:
    <<: *app
    build: { context: ., args: { APP: ${appName} } }
    image: warren-${appName}
    environment:
      <<: *app-environment
      RABBITMQ_URL: amqp://${prefix}:\${${upper}_RABBITMQ_PASSWORD:?run npm run env}@rabbitmq:5672/warren
      DATABASE_URL: postgres://${prefix}:\${${upper}_DATABASE_PASSWORD:?run npm run env}@postgres:5432/warren
      IDEMPOTENCY_HMAC_KEY: \${IDEMPOTENCY_HMAC_KEY:?run npm run env}
      ADMIN_PORT: ${adminPort}
    healthcheck: *app-healthcheck

`;
