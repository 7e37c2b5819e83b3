import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import * as z from 'zod';
import { AppError } from './app_error.ts';
import { isWeakSecret } from './weak_secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingsSource {
  /** Prefix of the service, upper case without underscore: `AUTH` looks up AUTH_RABBITMQ_URL before RABBITMQ_URL. */
  readonly prefix: string;
  readonly env: Environment;
}

/** Files that complete the process environment, first wins: what a person wrote, then what `npm start` decided. */
const SETTINGS_FILES = ['.env', path.join('.warren', 'state', 'runtime.env')];

/** The process environment completed by the settings files below `root`. The only place that reads process.env. */
export function readEnvironment(root: string = process.cwd()): Environment {
  const merged: Record<string, string | undefined> = {};
  for (const file of [...SETTINGS_FILES].reverse()) Object.assign(merged, readEnvFile(path.join(root, file)));
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) merged[name] = value;
  return merged;
}

function readEnvFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

/**
 * Reads the settings of one service. Each field is looked up as `<PREFIX>_<NAME>`, `<NAME>`, then the same with `_FILE`
 * (the value is the file's content). An empty value counts as absent.
 * With NODE_ENV=production a URL whose password is a placeholder or a well-known default is refused.
 * @throws AppError SETTINGS_INVALID that lists every problem at once by variable, never by value.
 */
export function readSettings<S extends z.ZodObject>(schema: S, source: SettingsSource): z.output<S> {
  const raw: Record<string, string> = {};
  const faults: string[] = [];
  for (const name of Object.keys(schema.shape)) {
    const value = lookUp(name, source, faults);
    if (value !== undefined) raw[name] = value;
  }
  const result = schema.safeParse(raw);
  if (!result.success) for (const issue of result.error.issues) faults.push(describe(issue, raw));
  if (result.success && result.data['NODE_ENV'] === 'production') faults.push(...weakPasswords(raw));
  if (faults.length > 0 || !result.success) {
    throw new AppError('SETTINGS_INVALID', `Settings are not usable: ${faults.join('; ')}.`, { kind: 'internal' });
  }
  return result.data;
}

function weakPasswords(raw: Readonly<Record<string, string>>): string[] {
  const faults = Object.entries(raw).map(([name, value]) => {
    const password = URL.canParse(value) ? new URL(value).password : '';
    return password !== '' && isWeakSecret(decoded(password)) ? `${name}: its password ${WEAK_SECRET}` : '';
  });
  return faults.filter((fault) => fault !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function lookUp(name: string, source: SettingsSource, faults: string[]): string | undefined {
  for (const key of [`${source.prefix}_${name}`, name]) {
    const direct = source.env[key];
    if (direct !== undefined && direct !== '') return direct;
    const file = source.env[`${key}_FILE`];
    if (file === undefined || file === '') continue;
    try {
      return readFileSync(file, 'utf8').trimEnd();
    } catch {
      faults.push(`${key}_FILE names a file that cannot be read`);
    }
  }
  return undefined;
}

function describe(issue: z.core.$ZodIssue, raw: Record<string, string>): string {
  const name = issue.path.join('.') || 'the settings';
  if (issue.path.length === 1 && raw[name] === undefined && issue.code === 'invalid_type') return `${name} is missing`;
  return `${name}: ${issue.message}`;
}

const MIN_SECRET_CHARS = 16;
const WEAK_SECRET = 'is a placeholder or a well-known default';

/** A secret: at least 16 characters, no placeholder, no well-known default, not one repeated character. */
export const secret = (): z.ZodString =>
  z
    .string()
    .min(MIN_SECRET_CHARS, `must have at least ${MIN_SECRET_CHARS} characters`)
    .max(4096)
    .refine((value) => !isWeakSecret(value), WEAK_SECRET)
    .refine((value) => new Set(value).size >= 8, 'is too easy to guess');

/** A key of 32 random bytes in base64 or base64url. */
export const key32 = (): z.ZodType<Buffer, string> =>
  z.string().transform((value, context) => {
    const bytes = Buffer.from(value, 'base64');
    if (bytes.length === 32 && new Set(bytes).size >= 12) return bytes;
    context.addIssue({ code: 'custom', message: 'must be 32 random bytes in base64' });
    return z.NEVER;
  });

/** Whole number within bounds, from text. */
export const integer = (min: number, max: number): z.ZodType<number, string | number> =>
  z.coerce.number<string | number>().int().min(min).max(max);

/** true/false, yes/no, 1/0, on/off from text. */
export const flag = (): z.ZodType<boolean, string> => z.stringbool();
