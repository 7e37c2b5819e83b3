import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

type Pattern = readonly (readonly [what: string, pattern: RegExp])[];

/** What no file of the repository holds. A path that exists on one machine only breaks every other one. */
const FORBIDDEN: Pattern = [
  ['the path of a home folder', /\/(?:home|Users)\/[a-z]\w*\//i],
  ['a path of one machine', /(?<![\w.}])\/(?:work|mnt)\/[a-z]/],
  ['a private key', /-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE KEY-----\r?\n/],
];
const TEMPORARY: Pattern = [['a path below the temporary folder of one machine', /(?<![\w.}])\/tmp\/\w+/]];
/** A lock file that names the host of a registry installs from that host only. */
const LOCK_FORBIDDEN: Pattern = [
  ['the address of a registry', /^\s*"?(?:resolved|tarball)"?:/m],
  ['the address of a registry', /\b(?:registry|npm)\.[a-z0-9-]+\.(?:org|com|net|io|dev)\b/],
];
/** What is written for the inside of an image or of a root folder that we build: its paths are everybody's paths. */
const OWN_ROOT = /^(Dockerfile|docker-compose\.yml|tools\/prove)/;
/** Files that only a machine needs, and secrets. */
const UNWANTED = /(^|\/)(\.env(\.(?!example$).*)?|node_modules|\.DS_Store|.*\.(log|pem|key|tmp|orig|rej|swp))$/;
const CORPORA = 'tests/corpora/';
const MAX_BYTES = 1024 * 1024;

/** Files that git has or would take. */
export function trackedFiles(root: string): string[] {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return output.split('\0').filter((file) => file !== '' && fs.existsSync(path.join(root, file)));
}

export function trackedFileProblems(root: string, files: readonly string[]): string[] {
  return files
    .filter((file) => !file.startsWith(CORPORA))
    .flatMap((file) => {
      if (UNWANTED.test(file)) return [`${file}: does not belong into the repository`];
      const full = path.join(root, file);
      if (fs.statSync(full).size > MAX_BYTES) return [`${file}: larger than ${MAX_BYTES} bytes`];
      return textProblems(file, fs.readFileSync(full, 'utf8'));
    });
}

/** Problems of one file's text, with line numbers. */
export function textProblems(file: string, text: string): string[] {
  const isLock = /(^|\/)(pnpm-lock\.yaml|package-lock\.json)$/.test(file);
  return [...FORBIDDEN, ...(OWN_ROOT.test(file) ? [] : TEMPORARY), ...(isLock ? LOCK_FORBIDDEN : [])].flatMap(
    ([what, pattern]) => {
      const found = pattern.exec(text);
      if (found === null) return [];
      return [`${file}:${text.slice(0, found.index).split('\n').length}: holds ${what}: ${found[0].trim()}`];
    },
  );
}
