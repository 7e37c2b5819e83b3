import { newPassword, runCommand } from '@warren/provision';

const PSQL_TIMEOUT_MS = 10_000;

function asPostgres(port: number, sql: string): ReturnType<typeof runCommand> {
  const psql = [
    'psql',
    '-X',
    '-q',
    '-A',
    '-t',
    '-v',
    'ON_ERROR_STOP=1',
    '-p',
    String(port),
    '-d',
    'postgres',
    '-f',
    '-',
  ];
  return runCommand(['runuser', '-u', 'postgres', '--', ...psql], { stdin: sql, timeoutMs: PSQL_TIMEOUT_MS });
}

/**
 * The usual Debian server lets the system account `postgres` in without a password, and nobody else. As root: becomes that account once
 * and creates a role that may create databases and roles, with a new password. Resolves to its URL, or to why there is none.
 * The names are letters, digits and `_` only.
 */
export async function adminRoleByPeer(options: { port: number; role: string }): Promise<string | { reason: string }> {
  if (process.getuid?.() !== 0) return { reason: 'no account that this user has may create databases and roles in it' };
  const { port, role } = options;
  const password = newPassword();
  const created = await asPostgres(
    port,
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE ${role}; END IF; END $$;
     ALTER ROLE ${role} LOGIN CREATEDB CREATEROLE PASSWORD '${password}';`,
  );
  if (created.code !== 0)
    return { reason: 'neither this account nor the system account postgres may create roles in it' };
  return `postgres://${role}:${password}@127.0.0.1:${port}/postgres`;
}
