import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');

/** Writes a generated page, or with `--check` only says whether it is up to date; resolves to the exit code. */
export function keepPage(file: string, text: string, args: readonly string[]): number {
  const target = path.join(ROOT, file);
  if (!args.includes('--check')) {
    fs.writeFileSync(target, text);
    return 0;
  }
  if (fs.existsSync(target) && fs.readFileSync(target, 'utf8') === text) return 0;
  process.stderr.write(`${file} differs from what it is made from: run \`npm run check -- --fix\`\n`);
  return 1;
}
