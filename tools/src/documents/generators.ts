import fs from 'node:fs';
import path from 'node:path';

const FOLDER = path.join('tools', 'src');

/** Scripts that write generated files, from the root of the project; each knows --check. */
export const generators = (root: string): string[] =>
  fs
    .readdirSync(path.join(root, FOLDER))
    .filter((name) => /^generate_\w+\.ts$/.test(name))
    .map((name) => path.join(FOLDER, name));
