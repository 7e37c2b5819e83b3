import fs from 'node:fs';
import path from 'node:path';
import { generators } from '../documents/generators.ts';
import { withProgress } from '../output.ts';
import { ToolError } from '../tool_error.ts';
import type { Change, Draft } from './draft.ts';
import { formatted, writeFile } from './format_files.ts';
import { runQuietly } from './run_quietly.ts';

/**
 * Formats the drafted files, writes them, links new packages and writes the generated files anew. When any of it fails,
 * everything is as it was before.
 * @throws ToolError with what failed
 */
export async function publishDraft(draft: Draft): Promise<readonly string[]> {
  const { root } = draft;
  const changes = await withProgress('formatting', () => formatted(root, draft.changes));
  try {
    for (const { file, after } of changes) writeFile(path.join(root, file), after);
    if (changes.some(({ file }) => file.endsWith('package.json'))) await link(root);
    await generate(root);
  } catch (error) {
    takeBack(root, changes);
    await generate(root).catch(() => undefined);
    throw error;
  }
  return changes.map(({ file }) => file);
}

/**
 * Makes the links of new packages. Everything that they need is installed, so that no registry is asked: not for packages,
 * and not for their age either, because the lock has no package that it did not have before.
 */
async function link(root: string): Promise<void> {
  const pnpm = process.env['WARREN_PNPM'];
  const program = pnpm === undefined ? ['pnpm'] : [process.execPath, pnpm];
  const flags = ['--offline', '--frozen-lockfile', '--trust-lockfile', '--config.confirmModulesPurge=false'];
  const ran = await withProgress('linking the new packages', () => runQuietly(root, [...program, 'install', ...flags]));
  if (!ran.ok)
    throw new ToolError('The new packages could not be linked: nothing was changed.', {
      details: [ran.output],
    });
}

async function generate(root: string): Promise<void> {
  for (const script of generators(root)) {
    const ran = await withProgress(path.basename(script), () =>
      runQuietly(root, [process.execPath, path.join(root, script)]),
    );
    if (!ran.ok) throw new ToolError(`${script} failed: nothing was changed.`, { details: [ran.output] });
  }
}

function takeBack(root: string, changes: readonly Change[]): void {
  for (const { file, before } of changes) {
    const full = path.join(root, file);
    if (before === undefined) fs.rmSync(full, { force: true });
    else fs.writeFileSync(full, before);
  }
  for (const folder of newPackages(changes)) fs.rmSync(path.join(root, folder), { recursive: true, force: true });
  for (const { file, before } of changes) if (before === undefined) removeEmpty(root, path.dirname(file));
}

/** Folders that hold nothing but what was written here, and links. */
const newPackages = (changes: readonly Change[]): string[] =>
  changes
    .filter(({ file, before }) => before === undefined && file.endsWith('/package.json'))
    .map(({ file }) => path.dirname(file));

function removeEmpty(root: string, folder: string): void {
  const full = path.join(root, folder);
  if (folder === '.' || !fs.existsSync(full) || fs.readdirSync(full).length > 0) return;
  fs.rmdirSync(full);
  removeEmpty(root, path.dirname(folder));
}
