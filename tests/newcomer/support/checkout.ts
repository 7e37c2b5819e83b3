import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { trackedFiles } from '../../architecture/rules/tracked_files.ts';
import { findPnpm } from '../../deployment/support/image_folder.ts';
import { REPO } from '../../e2e/support/app_process.ts';

/** Where nothing listens: whatever asks a registry fails. */
const NO_REGISTRY = 'http://127.0.0.1:9';
const INSTALL = ['install', '--offline', '--frozen-lockfile', '--trust-lockfile'];
/** A commit needs a name, and must not be signed or hooked as this machine's are. */
const GIT = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'newcomer',
  GIT_AUTHOR_EMAIL: 'newcomer@localhost',
  GIT_COMMITTER_NAME: 'newcomer',
  GIT_COMMITTER_EMAIL: 'newcomer@localhost',
};

/** What a program gets of this process, and where the copy finds packages without a network. */
export function newcomersEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return {
    HOME,
    // the Node that runs the tests, whatever else is installed
    PATH: `${path.dirname(process.execPath)}:${PATH}`,
    pnpm_config_store_dir: findPnpm().store,
    pnpm_config_registry: NO_REGISTRY,
    npm_config_registry: NO_REGISTRY,
    ...GIT,
  };
}

/**
 * A clone of this repository as it is now, with everything installed that `npm start` brings. The toolchain is that of the original;
 * the packages come from the store of this machine.
 */
export function checkOut(folder: string): void {
  for (const file of trackedFiles(REPO)) {
    fs.mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    fs.copyFileSync(path.join(REPO, file), path.join(folder, file));
  }
  fs.mkdirSync(path.join(folder, '.warren'), { mode: 0o700 });
  fs.symlinkSync(path.join(REPO, '.warren', 'toolchain'), path.join(folder, '.warren', 'toolchain'));
  fs.copyFileSync(path.join(REPO, '.warren', 'dependencies.stamp'), path.join(folder, '.warren', 'dependencies.stamp'));
  const env = newcomersEnvironment();
  const run = (program: string, ...args: readonly string[]): void =>
    void execFileSync(program, args, { cwd: folder, env, stdio: 'pipe' });
  const [program = '', ...pnpm] = findPnpm().command;
  run(program, ...pnpm, ...INSTALL);
  run('git', 'init', '--quiet', '--template=');
  run('git', 'add', '--all');
  run('git', 'commit', '--quiet', '--message=start');
}
