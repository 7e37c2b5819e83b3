import { randomBytes } from 'node:crypto';
import { newSecret } from '@warren/kernel';
import { brokerPrefixes } from '@warren/rabbit';
import type { Clone } from '../clone/clone.ts';
import { SCHEMAS } from '../setup/schemas.ts';
import { addToEnvFile, readEnvFile } from './env_file.ts';

const KEY_BYTES = 32;
const PASSWORD_BYTES = 24;

const newKey = (): string => randomBytes(KEY_BYTES).toString('base64');
const newPassword = (): string => newSecret(PASSWORD_BYTES);

/** Name of the variable with the broker password of a service or set-up user. */
export const brokerPasswordName = (prefix: string): string => `${prefix.toUpperCase()}_RABBITMQ_PASSWORD`;
/** Name of the variable with the database password of a service, or of the owner. */
export const databasePasswordName = (prefix: string): string => `${prefix.toUpperCase()}_DATABASE_PASSWORD`;

/** Of the servers that docker-compose.yml starts. */
const COMPOSE_PASSWORDS = ['RABBITMQ_ADMIN_PASSWORD', 'POSTGRES_PASSWORD', 'REDIS_PASSWORD'];

/** Every secret of an installation and how a new one is made. */
export function secretMakers(): ReadonlyMap<string, () => string> {
  const makers = new Map<string, () => string>();
  for (const prefix of brokerPrefixes()) makers.set(brokerPasswordName(prefix), newPassword);
  for (const prefix of ['owner', ...SCHEMAS.map((schema) => schema.prefix)])
    makers.set(databasePasswordName(prefix), newPassword);
  for (const name of COMPOSE_PASSWORDS) makers.set(name, newPassword);
  makers.set('AUTH_KEY_ENCRYPTION_KEY', newKey);
  makers.set('IDEMPOTENCY_HMAC_KEY', newKey);
  makers.set('WARREN_SERVER_KEY', newPassword);
  return makers;
}

/** Writes every missing secret into the clone's `.env`; returns the names written. A value that is there is never changed. */
export function ensureSecrets(clone: Clone): string[] {
  const values = new Map([...secretMakers()].map(([name, make]) => [name, make()]));
  return addToEnvFile(clone.envFile, values, 'Secrets, generated. Keep this file to yourself.');
}

/** The settings of this clone as its apps see them: the process environment, completed by `.env`. Empty values count as absent. */
export function settingsOf(clone: Clone, env: NodeJS.ProcessEnv): Record<string, string> {
  const merged = { ...readEnvFile(clone.envFile) };
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') merged[name] = value;
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
}
