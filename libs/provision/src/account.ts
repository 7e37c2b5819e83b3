import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ProvisionError } from './provision_error.ts';
import { toolEnvironment } from './run_command.ts';

/** As whom a server runs, and where. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
  /** The folder with another Debian that the server takes for the whole machine. */
  root?: string;
}

function parsePasswd(text: string, name: string): Account | undefined {
  const fields = text
    .split('\n')
    .map((line) => line.split(':'))
    .find(([login]) => login === name);
  const [, , uid, gid] = fields ?? [];
  if (uid === undefined || gid === undefined || Number(uid) === 0) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}

function accountIn(root: string, preferred: string): Account {
  const passwd = fs.readFileSync(path.join(root, 'etc', 'passwd'), 'utf8');
  return (
    parsePasswd(passwd, preferred) ?? parsePasswd(passwd, 'nobody') ?? { name: 'nobody', uid: 65_534, gid: 65_534 }
  );
}

/**
 * The account to drop to when running as root (Postgres refuses root, the others need it not): the server's own, or
 * `nobody`. Undefined when not root.
 */
export function serverAccount(preferred: string): Account | undefined {
  return process.getuid?.() === 0 ? accountIn('/', preferred) : undefined;
}

/**
 * As `serverAccount`, in a folder with another Debian. Paths below the folder lead to the same place from inside.
 * @throws ProvisionError PROVISION_SERVER_NOT_INSTALLED when not root
 */
export function accountInRoot(preferred: string, root: string): Account {
  if (process.getuid?.() !== 0)
    throw new ProvisionError('PROVISION_SERVER_NOT_INSTALLED', `Only root can run the servers of ${root}.`);
  const itself = path.join(root, root);
  fs.mkdirSync(path.dirname(itself), { recursive: true });
  if (fs.lstatSync(itself, { throwIfNoEntry: false }) === undefined) fs.symlinkSync('/', itself);
  return { ...accountIn(root, preferred), root };
}

/** A command, and how to start it. */
export interface Start {
  command: readonly string[];
  options: { cwd: string; uid?: number; gid?: number };
}

/** How to start a command in a directory as this account. The process stays one and the same whatever stands in front. */
export function startAs(account: Account | undefined, command: readonly string[], cwd: string): Start {
  if (account === undefined) return { command, options: { cwd } };
  const { uid, gid, root } = account;
  if (root === undefined) return { command, options: { cwd, uid, gid } };
  // RabbitMQ reads /proc; mounted for this process alone it needs no clearing away
  const world = ['unshare', `--mount-proc=${path.join(root, 'proc')}`, 'chroot', `--userspec=${uid}:${gid}`, root];
  return { command: [...world, 'env', `--chdir=${cwd}`, ...command], options: { cwd: '/' } };
}

/** Whether the account can enter and write the directory; found out by trying, because any parent may forbid it. */
export function canWrite(directory: string, account: Account | undefined): boolean {
  const test = ['/bin/sh', '-c', 'cd -- "$1" && [ -w . ]', 'sh', directory];
  const { command, options } = startAs(account, test, '/');
  const [program = '', ...args] = command;
  return spawnSync(program, args, { ...options, env: toolEnvironment(), stdio: 'ignore' }).status === 0;
}
