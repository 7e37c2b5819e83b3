import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Account, canWrite } from './account.ts';
import { ProvisionError } from './provision_error.ts';

/** Erlang's start scripts split paths at spaces, and some tools build longer paths below this one. */
const PLAIN_PATH = /^[\w./-]{1,120}$/;

export interface HomeRequest {
  /** What the caller asked for. */
  dataDir: string;
  /** Where the server lived so far, from its state file. */
  known?: string | undefined;
  account: Account | undefined;
  /** Whether the server copes only with short paths of plain characters. */
  plainPathOnly: boolean;
}

function isOwned(directory: string, account: Account | undefined): boolean {
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  // A foreign directory or a link at this place was put there by somebody else.
  return stat !== undefined && stat.isDirectory() && stat.uid === (account?.uid ?? process.getuid?.() ?? stat.uid);
}

function give(directory: string, account: Account | undefined): void {
  fs.chmodSync(directory, 0o700);
  if (account !== undefined) fs.chownSync(directory, account.uid, account.gid);
}

function insideDataDir(request: HomeRequest): string | undefined {
  const home = path.join(request.dataDir, 'home');
  if (request.plainPathOnly && !PLAIN_PATH.test(home)) return undefined;
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  give(home, request.account);
  if (canWrite(home, request.account)) return home;
  fs.rmSync(home, { recursive: true });
  return undefined;
}

function insideTemporary(request: HomeRequest): string | undefined {
  for (const parent of new Set([os.tmpdir(), '/var/tmp', '/tmp'])) {
    if (!fs.existsSync(parent) || (request.plainPathOnly && !PLAIN_PATH.test(parent))) continue;
    const home = fs.mkdtempSync(path.join(parent, 'warren-'));
    give(home, request.account);
    if (canWrite(home, request.account)) return home;
    fs.rmSync(home, { recursive: true });
  }
  return undefined;
}

/**
 * The directory that the server itself owns: where it was before, else `<dataDir>/home`, else (when the server's
 * account cannot reach
 * that, or its path is not plain) a new directory for temporary files.
 */
export function serverHome(request: HomeRequest): string {
  const { known, account, dataDir } = request;
  if (known !== undefined && isOwned(known, account) && canWrite(known, account)) return known;
  const home = insideDataDir(request) ?? insideTemporary(request);
  if (home !== undefined) return home;
  throw new ProvisionError(
    'PROVISION_DATA_DIR_UNUSABLE',
    `User ${account?.name ?? os.userInfo().username} can write neither ${dataDir} nor a directory for temporary files.`,
  );
}

/** Writes a file that only the server's account may read. */
export function writePrivate(file: string, content: string, account: Account | undefined): void {
  fs.writeFileSync(file, content, { mode: 0o600 });
  fs.chmodSync(file, 0o600);
  if (account !== undefined) fs.chownSync(file, account.uid, account.gid);
}

/** Creates a directory that only the server's account may enter. */
export function makePrivateDir(directory: string, account: Account | undefined): void {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  give(directory, account);
}
