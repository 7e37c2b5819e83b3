import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What a running service consists of. */
const PARTS = ['apps', 'libs', 'package.json', 'pnpm-workspace.yaml', 'rabbitmq_topology.ts', 'tsconfig.base.json'];
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** A patch does not fit the tree any more: whoever changed the code has to adapt it, or the proof is void. */
export class PatchDoesNotApply extends Error {}

/** A temporary copy of the tree with one patch applied. Its packages are its own, vendor libraries those of the original. */
export class MutantTree implements Disposable {
  readonly root: string;

  /** @throws PatchDoesNotApply */
  constructor(original: string, patchFile: string) {
    this.root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'warren-mutant-'));
    copyTracked(original, this.root);
    fs.symlinkSync(path.join(original, 'node_modules'), path.join(this.root, 'node_modules'));
    const options = {
      cwd: this.root,
      stdio: 'pipe',
      env: { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(this.root) },
    } as const;
    try {
      execFileSync('git', ['apply', '--whitespace=nowarn', patchFile], options);
    } catch (cause) {
      this[Symbol.dispose]();
      throw new PatchDoesNotApply(`${path.basename(patchFile)} does not apply: adapt it to the code`, { cause });
    }
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

function copyTracked(original: string, copy: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...PARTS], {
    cwd: original,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  const files = listed.split('\0').filter((file) => file !== '' && fs.existsSync(path.join(original, file)));
  for (const file of files) {
    fs.mkdirSync(path.join(copy, path.dirname(file)), { recursive: true });
    fs.copyFileSync(path.join(original, file), path.join(copy, file));
    const folder = path.dirname(file);
    if (path.basename(file) === 'package.json' && folder !== '.')
      copyLinks(path.join(original, folder, 'node_modules'), path.join(copy, folder, 'node_modules'));
  }
}

/** pnpm's links are relative: in the copy they lead to the packages of the copy. */
function copyLinks(from: string, to: string): void {
  if (!fs.existsSync(from)) return;
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(from)) {
    const [source, target] = [path.join(from, name), path.join(to, name)];
    if (fs.lstatSync(source).isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(source), target);
    else if (name.startsWith('@')) copyLinks(source, target);
  }
}
