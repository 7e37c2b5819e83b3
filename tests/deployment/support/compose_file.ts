import fs from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { REPO } from '../../e2e/support/app_process.ts';
import { ComposeFile } from './compose_schema.ts';

/** The text of a file below the root of the project. */
export const readRepoFile = (...parts: string[]): string => fs.readFileSync(path.join(REPO, ...parts), 'utf8');

/** Reads a compose file, with its merge keys resolved. @throws ZodError for what is not in the subset */
export const parseCompose = (text: string): ComposeFile => ComposeFile.parse(parse(text, { merge: true }));

/** One `${NAME…}` of the file; `mode` says what happens without a value: `?` refuses, `-` takes `rest`, '' is silently empty. */
export interface Interpolation {
  readonly name: string;
  readonly mode: '?' | '-' | '';
  readonly rest: string;
}

const INTERPOLATION = /\$(?:(\$)|\{([A-Z][A-Z0-9_]*)(?::([?-])([^}]*))?\})/g;

export function interpolationsOf(text: string): Interpolation[] {
  return [...text.matchAll(INTERPOLATION)].flatMap(([, escaped, name = '', mode = '', rest = '']) =>
    escaped === undefined ? [{ name, mode: mode === '?' || mode === '-' ? mode : '', rest }] : [],
  );
}

/** A value as compose computes it. @throws Error with the message of `${NAME:?message}` */
export function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  const fill = (...groups: (string | undefined)[]): string => {
    const [, escaped, name = '', mode, rest = ''] = groups;
    if (escaped !== undefined) return '$';
    const value = values[name] ?? '';
    if (value !== '') return value;
    if (mode === '?') throw new Error(`${name}: ${rest}`);
    return mode === '-' ? rest : '';
  };
  return text.replace(INTERPOLATION, fill);
}

/** The environment of one service with every variable replaced. */
export function environmentOf(
  compose: ComposeFile,
  service: string,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(compose.services[service]?.environment ?? {});
  return Object.fromEntries(entries.map(([name, text]) => [name, interpolate(text, values)]));
}

export interface EnvExample {
  /** Must be given; holds a placeholder. */
  readonly secrets: readonly string[];
  /** Every name, those that are commented out among them. */
  readonly names: ReadonlySet<string>;
}

export function readEnvExample(): EnvExample {
  const text = readRepoFile('.env.example');
  const names = [...text.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name);
  return { secrets: Object.keys(parseEnv(text)), names: new Set(names) };
}
