import path from 'node:path';
import { SERVICES } from '@warren/rabbit';
import type { Clone } from '../clone/clone.ts';

export type Settings = Readonly<Record<string, string>>;

const OPERATOR_PREFIXES = ['TOPOLOGY', 'OPS', 'OWNER', 'RABBITMQ_ADMIN', 'DATABASE_ADMIN', 'POSTGRES'];

/** What every process of the system gets, without the secrets of the others. */
export function processEnvironment(clone: Clone, settings: Settings, role: string): Record<string, string> {
  const foreign = [...SERVICES.map((service) => service.prefix.toUpperCase()), ...OPERATOR_PREFIXES].filter(
    (prefix) => prefix !== role.toUpperCase(),
  );
  const isForeign = (name: string): boolean =>
    name === 'WARREN_SERVER_KEY' || foreign.some((prefix) => name.startsWith(`${prefix}_`)) || /^npm_/i.test(name);
  const own = Object.entries(settings).filter(([name]) => !isForeign(name));
  return {
    NODE_ENV: 'development',
    LOG_FORMAT: 'json',
    ...Object.fromEntries(own),
    NODE_COMPILE_CACHE: path.join(clone.home, 'compile_cache'),
  };
}
