import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

/** Under which user and group a server runs. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
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

/**
 * The account to drop to when running as root (Postgres refuses root, the others need it not): the server's own, or
 * `nobody`. Undefined when not root.
 */
export function serverAccount(preferred: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = fs.readFileSync('/etc/passwd', 'utf8');
  return (
    parsePasswd(passwd, preferred) ?? parsePasswd(passwd, 'nobody') ?? { name: 'nobody', uid: 65_534, gid: 65_534 }
  );
}

/** Whether the account can enter and write the directory; found out by trying, because any parent may forbid it. */
export function canWrite(directory: string, account: Account | undefined): boolean {
  const result = spawnSync('/bin/sh', ['-c', 'cd -- "$1" && [ -w . ]', 'sh', directory], {
    cwd: '/',
    stdio: 'ignore',
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  });
  return result.status === 0;
}
