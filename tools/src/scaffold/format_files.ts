import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ToolError } from '../tool_error.ts';
import type { Change } from './draft.ts';
import { runQuietly } from './run_quietly.ts';

const FORMATTED = /\.(ts|json)$/;

/**
 * The changes as the project's formatter writes them, made in a folder of its own.
 * @throws ToolError when the formatter does not understand one of them
 */
export async function formatted(root: string, changes: readonly Change[]): Promise<Change[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-draft-'));
  try {
    const sources = changes.filter(({ file }) => FORMATTED.test(file));
    for (const { file, after } of sources) writeFile(path.join(folder, file), after);
    const biome = path.join(root, 'node_modules', '.bin', 'biome');
    const flags = ['check', '--write', `--config-path=${root}`, '--vcs-enabled=false', '.'];
    const { ok, output } = await runQuietly(folder, [biome, ...flags]);
    if (!ok) throw new ToolError('The formatter refuses what was drafted: nothing was changed.', { details: [output] });
    return changes.map((change) =>
      sources.includes(change) ? { ...change, after: fs.readFileSync(path.join(folder, change.file), 'utf8') } : change,
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a file and the folders on the way to it. */
export function writeFile(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}
