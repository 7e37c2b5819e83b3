import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** An earlier version of a file. */
export interface Baseline {
  /** `HEAD (6fd0671)`. */
  readonly label: string;
  readonly text: string;
}

export interface Baselines {
  readonly found: readonly Baseline[];
  /** Why there is less to compare with than there should be. */
  readonly note?: string;
}

const GIT_TIMEOUT_MS = 20_000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Where the branch that everybody builds on may be, the first that exists. */
const UPSTREAMS = [
  'refs/remotes/origin/HEAD',
  'refs/remotes/origin/main',
  'refs/remotes/origin/master',
  'refs/heads/main',
];
const SHORT = 7;

/**
 * The committed versions of a file that a change must not break: where this branch left the common one, so that no
 * commit of the branch hides a change; and HEAD. On the common branch itself, the commit before HEAD as well.
 */
export function baselinesOf(root: string, file: string): Baselines {
  const git = gitAt(root);
  if (!isRepository(root, git)) return { found: [], note: 'there is no git repository here' };
  const head = git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  if (head === undefined) return { found: [], note: 'nothing is committed yet' };
  const upstream = UPSTREAMS.find((name) => git('rev-parse', '--verify', '--quiet', `${name}^{commit}`) !== undefined);
  const fork = upstream === undefined ? undefined : git('merge-base', 'HEAD', upstream);
  const isOnCommon = fork === undefined || fork === head;
  const before = isOnCommon ? git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}^') : undefined;
  const commits: readonly (readonly [name: string, commit: string | undefined])[] = [
    ['HEAD', head],
    ...(isOnCommon ? [] : [[`where the branch left ${shortName(upstream)}`, fork] as const]),
    ['the commit before HEAD', before],
  ];
  const found = commits.flatMap(([name, commit]) => {
    const text = commit === undefined ? undefined : git('show', `${commit}:${file}`);
    return commit === undefined || text === undefined ? [] : [{ label: `${name} (${commit.slice(0, SHORT)})`, text }];
  });
  const isShallow = git('rev-parse', '--is-shallow-repository') === 'true';
  const isCut = isShallow && (isOnCommon ? before === undefined : false);
  return { found, ...(isCut ? { note: 'the clone is shallow, so that only HEAD is known' } : {}) };
}

type Git = (...args: readonly string[]) => string | undefined;

/** Runs git; undefined for every failure, also for a git that is not there. */
function gitAt(root: string): Git {
  return (...args) => {
    try {
      const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
      const options = {
        cwd: root,
        stdio,
        timeout: GIT_TIMEOUT_MS,
        maxBuffer: MAX_FILE_BYTES,
        encoding: 'utf8',
      } as const;
      return execFileSync('git', args, options).replace(/\n$/, '');
    } catch {
      return undefined;
    }
  };
}

/** A folder inside of somebody else's repository has no history of its own. */
function isRepository(root: string, git: Git): boolean {
  const top = git('rev-parse', '--show-toplevel');
  return top !== undefined && fs.realpathSync(top) === fs.realpathSync(root);
}

const shortName = (ref = ''): string => ref.replace(/^refs\/(remotes|heads)\//, '');
