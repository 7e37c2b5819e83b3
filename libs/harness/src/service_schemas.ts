import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MigrationSet } from '@warren/postgres';
import { SERVICES } from '@warren/rabbit';
import { REPO } from './app_process.ts';

/** Which service owns which schema. */
interface ServiceSchema {
  readonly prefix: string;
  readonly set: MigrationSet;
}

/** The schema of every service that has one, as its definition in `apps/<app>/src/service.ts` says. */
export async function readSchemas(): Promise<readonly ServiceSchema[]> {
  const found = await Promise.all(
    SERVICES.map(async ({ prefix, app }) => {
      const file = path.join(REPO, 'apps', app, 'src', 'service.ts');
      const set = migrationsOf(await import(pathToFileURL(file).href));
      return set === undefined ? [] : [{ prefix, set }];
    }),
  );
  return found.flat();
}

/** @throws Error when a module defines no service */
function migrationsOf(module: unknown): MigrationSet | undefined {
  const exported: unknown[] = typeof module === 'object' && module !== null ? Object.values(module) : [];
  const definition = exported.find((value) => typeof value === 'object' && value !== null && 'needs' in value);
  if (definition === undefined) throw new Error('a service.ts exports no ServiceDefinition');
  const migrations: unknown = Reflect.get(Object(definition), 'migrations');
  return isMigrationSet(migrations) ? migrations : undefined;
}

function isMigrationSet(value: unknown): value is MigrationSet {
  return typeof value === 'object' && value !== null && 'schema' in value && 'migrations' in value;
}
