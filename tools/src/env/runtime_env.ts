import fs from 'node:fs';
import { type Clone, writePrivateFile } from '../clone/clone.ts';

const HEADING = '# Written by `npm start`: the servers it chose. `.env` and the environment win over this file.\n';

/** Writes what an app that is started alone needs to find its servers; only the owner may read it. */
export function writeRuntimeEnv(clone: Clone, values: Readonly<Record<string, string>>): void {
  const lines = Object.entries(values).map(([name, value]) => `${name}="${value}"\n`);
  writePrivateFile(clone.runtimeEnvFile, HEADING + lines.join(''));
}

export function removeRuntimeEnv(clone: Clone): void {
  fs.rmSync(clone.runtimeEnvFile, { force: true });
}
