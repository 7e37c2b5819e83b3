import fs from 'node:fs';
import { parseEnv } from 'node:util';
import { PLACEHOLDER } from '@warren/kernel';
import { writePrivateFile } from '../clone/clone.ts';

/** The variables of a settings file; none when there is no such file. */
export function readEnvFile(file: string): Record<string, string> {
  try {
    const values = Object.entries(parseEnv(fs.readFileSync(file, 'utf8')));
    return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
  } catch {
    return {};
  }
}

/** Whether a value still has to be given: nothing, or a placeholder of `.env.example`. */
function isMissing(value: string | undefined): boolean {
  return value === undefined || value === '' || value.includes(PLACEHOLDER);
}

const assignment = (name: string): RegExp => new RegExp(`^(\\s*(?:export\\s+)?${name}\\s*=).*$`, 'm');

/**
 * `text` with the given values added. A value that is there stays, and so do comments and order; an empty one or a placeholder is
 * replaced on its line; what has no line yet is appended below `heading`.
 */
export function mergeEnvText(text: string, values: ReadonlyMap<string, string>, heading: string): string {
  const present = parseEnv(text);
  const appended: string[] = [];
  let merged = text;
  for (const [name, value] of values) {
    if (!isMissing(present[name])) continue;
    if (present[name] === undefined) appended.push(`${name}=${value}`);
    // A function, because `$` in a replacement text has a meaning of its own.
    else merged = merged.replace(assignment(name), (_line, head: string) => `${head}${value}`);
  }
  if (appended.length === 0) return merged;
  const gap = merged === '' ? '' : merged.endsWith('\n') ? '\n' : '\n\n';
  return `${merged}${gap}# ${heading}\n${appended.join('\n')}\n`;
}

/** Adds values to a settings file, which only its owner may read afterwards; returns the names that were added. */
export function addToEnvFile(file: string, values: ReadonlyMap<string, string>, heading: string): string[] {
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const present = parseEnv(text);
  const added = [...values.keys()].filter((name) => isMissing(present[name]));
  if (added.length > 0) writePrivateFile(file, mergeEnvText(text, values, heading));
  else if (fs.existsSync(file)) fs.chmodSync(file, 0o600);
  return added;
}
