import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** One checkout of the project and everything it keeps for itself. */
export interface Clone {
  /** Root of the repository. */
  readonly root: string;
  /** Git-ignored folder with state, data and logs. */
  readonly home: string;
  /** Stable random id, `w` and eight hexadecimal digits; part of every name on a shared server. */
  readonly id: string;
  /** The settings that a person writes. */
  readonly envFile: string;
  readonly runtimeEnvFile: string;
  readonly stateDir: string;
  readonly dataDir: string;
  readonly logDir: string;
  readonly runDir: string;
}

const CloneRecord = z.object({ id: z.string().regex(/^w[0-9a-f]{8}$/), home: z.string() });

const makeDir = (directory: string): string => {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
};

function readRecord(file: string): z.infer<typeof CloneRecord> | undefined {
  try {
    return CloneRecord.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * The id of this clone, made at first use. A folder that was copied with its state gets an id of its own as long as the original is
 * still there, because two clones must never share data; one that was moved keeps its id.
 */
export function cloneId(home: string): string {
  const file = path.join(makeDir(path.join(home, 'state')), 'clone.json');
  const here = fs.realpathSync(home);
  const record = readRecord(file);
  const isCopy =
    record !== undefined &&
    record.home !== here &&
    readRecord(path.join(record.home, 'state', 'clone.json'))?.id === record.id;
  const id = record === undefined || isCopy ? `w${randomBytes(4).toString('hex')}` : record.id;
  if (id !== record?.id || record.home !== here) writePrivateFile(file, `${JSON.stringify({ id, home: here })}\n`);
  if (isCopy) forgetOriginal(home);
  return id;
}

/** What a copy brought along names the processes, servers and data of the original. */
function forgetOriginal(home: string): void {
  for (const folder of ['data', 'run']) fs.rmSync(path.join(home, folder), { recursive: true, force: true });
  const state = path.join(home, 'state');
  for (const name of fs.readdirSync(state))
    if (name !== 'clone.json') fs.rmSync(path.join(state, name), { recursive: true });
}

/** Opens the clone at `root`. WARREN_HOME puts everything it keeps, and its `.env`, elsewhere: for tests. */
export function openClone(root: string, homeOverride: string | undefined): Clone {
  const home = makeDir(homeOverride ?? path.join(root, '.warren'));
  const stateDir = makeDir(path.join(home, 'state'));
  return {
    root,
    home,
    id: cloneId(home),
    envFile: path.join(homeOverride ?? root, '.env'),
    stateDir,
    runtimeEnvFile: path.join(stateDir, 'runtime.env'),
    dataDir: path.join(home, 'data'),
    logDir: makeDir(path.join(home, 'logs')),
    runDir: makeDir(path.join(home, 'run')),
  };
}

/** Replaces a file in one step; only its owner may read it. */
export function writePrivateFile(file: string, content: string): void {
  makeDir(path.dirname(file));
  const draft = `${file}.${process.pid}.new`;
  fs.writeFileSync(draft, content, { mode: 0o600 });
  fs.renameSync(draft, file);
}
