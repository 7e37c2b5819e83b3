import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ServiceSpec } from '@warren/rabbit';
import * as z from 'zod';

/** One setting of the system and the prefixes of the services that read it. */
export interface Setting {
  readonly name: string;
  readonly description: string;
  readonly fallback: string | undefined;
  readonly services: string[];
}

type Schema = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

const isSchema = (value: unknown): value is Schema => value instanceof z.ZodObject;

export interface AppSettings {
  readonly prefix: string;
  readonly schema: Schema;
}

/** The settings schema that the app of a service exports from its `*_env.ts`. */
export async function readAppSettings(root: string, service: ServiceSpec): Promise<AppSettings> {
  const folder = path.join(root, 'apps', service.app, 'src');
  const file = fs.readdirSync(folder).find((name) => name.endsWith('_env.ts'));
  if (file === undefined) throw new Error(`apps/${service.app}/src has no *_env.ts`);
  const exported: unknown = await import(pathToFileURL(path.join(folder, file)).href);
  const values: unknown[] = typeof exported === 'object' && exported !== null ? Object.values(exported) : [];
  const schema = values.find((value) => isSchema(value));
  if (schema === undefined) throw new Error(`apps/${service.app}/src/${file} exports no settings schema`);
  return { prefix: service.prefix, schema };
}

function fallbackOf(field: z.core.$ZodType): string | undefined {
  if (!(field instanceof z.ZodDefault)) return undefined;
  const value: unknown = field.def.defaultValue;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

function descriptionOf(field: z.core.$ZodType): string {
  return z.globalRegistry.get(field)?.description ?? '';
}

/** One entry per name: what several services have in common is one line with all their prefixes. */
export function settingsOf(apps: readonly AppSettings[]): Setting[] {
  const settings = new Map<string, Setting>();
  for (const { prefix, schema } of apps) {
    for (const [name, field] of Object.entries(schema.shape)) {
      const known = settings.get(name);
      if (known === undefined)
        settings.set(name, {
          name,
          description: descriptionOf(field),
          fallback: fallbackOf(field),
          services: [prefix],
        });
      else known.services.push(prefix);
    }
  }
  return [...settings.values()];
}
