import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { trackedFiles } from '../rules/tracked_files.ts';
import { REPO_ROOT } from './workspace.ts';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const RUN_TIMEOUT_MS = 120_000;

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A copy of the repository in which violations can be planted. Its packages are its own; vendor libraries are those of
 * the original, reached through the same links that pnpm made.
 */
export class WorkspaceCopy implements Disposable {
  readonly root: string;
  /** Files as they were before the first planting; undefined: the file was not there. */
  readonly #before = new Map<string, string | undefined>();

  constructor() {
    this.root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'warren-walls-'));
    const files = trackedFiles(REPO_ROOT).filter((file) => !file.startsWith('tests/corpora/'));
    for (const file of files) {
      fs.mkdirSync(path.join(this.root, path.dirname(file)), { recursive: true });
      fs.copyFileSync(path.join(REPO_ROOT, file), path.join(this.root, file));
    }
    fs.symlinkSync(path.join(REPO_ROOT, 'node_modules'), path.join(this.root, 'node_modules'));
    for (const file of files) {
      const dir = path.dirname(file);
      if (path.basename(file) === 'package.json' && dir !== '.') copyLinks(path.join(dir, 'node_modules'), this.root);
    }
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), 'utf8');
  }

  write(file: string, text: string): void {
    const full = path.join(this.root, file);
    if (!this.#before.has(file))
      this.#before.set(file, fs.existsSync(full) ? fs.readFileSync(full, 'utf8') : undefined);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, text);
  }

  /** Changes the one place of a file that holds `old`. @throws Error when there is none: the plant would prove nothing */
  replace(file: string, old: string, text: string): void {
    const before = this.read(file);
    if (!before.includes(old)) throw new Error(`${file} does not hold ${old}: adapt the planted violation`);
    this.write(
      file,
      before.replace(old, () => text),
    );
  }

  /** Takes every planted violation out again. */
  restore(): void {
    for (const [file, text] of this.#before) {
      if (text === undefined) fs.rmSync(path.join(this.root, file));
      else fs.writeFileSync(path.join(this.root, file), text);
    }
    this.#before.clear();
  }

  /** Runs an installed program, or node, in the copy. Never throws for an exit code. */
  run(program: string, args: readonly string[]): Promise<RunResult> {
    const file = program === 'node' ? process.execPath : path.join(REPO_ROOT, 'node_modules', '.bin', program);
    const options = { cwd: this.root, maxBuffer: MAX_OUTPUT_BYTES, timeout: RUN_TIMEOUT_MS };
    return new Promise((resolve) => {
      execFile(file, args, options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : Number(error !== null), stdout, stderr });
      });
    });
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

/** pnpm's links are relative, so that in the copy those to packages of the workspace lead to the copy's packages. */
function copyLinks(dir: string, root: string): void {
  const from = path.join(REPO_ROOT, dir);
  if (!fs.existsSync(from)) return;
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory() && entry.name.startsWith('@')) copyLinks(file, root);
    if (!entry.isSymbolicLink()) continue;
    fs.mkdirSync(path.join(root, dir), { recursive: true });
    fs.symlinkSync(fs.readlinkSync(path.join(REPO_ROOT, file)), path.join(root, file));
  }
}
