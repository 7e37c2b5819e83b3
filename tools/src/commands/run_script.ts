import fs from 'node:fs';
import path from 'node:path';
import type { Clone } from '../clone/clone.ts';
import { ensureSecrets, settingsOf } from '../env/secrets.ts';
import { sayPlain } from '../output.ts';
import { requireFile, runForeground } from '../processes/run_foreground.ts';
import { chooseServers } from '../servers/choose_servers.ts';
import { testEnvironment } from '../setup/test_environment.ts';
import { stopStarted } from './with_servers.ts';

/** `npm run play`: the terminal client. */
export function play(clone: Clone, args: readonly string[]): Promise<number> {
  return runForeground(clone, [process.execPath, requireFile(clone, 'examples', 'play', 'src', 'main.ts'), ...args]);
}

const measures = (clone: Clone): string[] => [
  ...fs
    .readdirSync(path.join(clone.root, 'bench', 'measures'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -'.ts'.length)),
  'all',
];

/** `npm run bench -- <name> [rounds]`: one measure, or `all`, with the addresses of the servers in WARREN_TEST_*. */
export async function bench(clone: Clone, args: readonly string[]): Promise<number> {
  const [name] = args;
  if (name === undefined || !measures(clone).includes(name)) {
    sayPlain(`npm run bench -- <name> [rounds]; names: ${measures(clone).join(', ')}`);
    return name === undefined || name === '--help' ? 0 : 2;
  }
  ensureSecrets(clone);
  const settings = settingsOf(clone, process.env);
  const servers = await chooseServers(clone, settings);
  try {
    const env = await testEnvironment(clone, servers.places, settings);
    return await runForeground(clone, [process.execPath, path.join(clone.root, 'bench', 'run.ts'), ...args], env);
  } finally {
    await stopStarted(clone, servers);
  }
}
