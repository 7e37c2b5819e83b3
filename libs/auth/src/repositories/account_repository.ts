import { sql, type Tx, tables } from '@warren/postgres';
import type { AuthTables } from '../auth_tables.ts';

export interface Account {
  readonly id: string;
  readonly login: string;
  readonly displayName: string;
  readonly roles: string[];
  readonly gen: number;
  readonly createdAt: Date;
}

export interface NewAccount {
  readonly id: string;
  readonly login: string;
  readonly loginCanonical: string;
  readonly displayName: string;
  readonly roles: string[];
  readonly passwordHash: string;
}

export interface StoredCredential {
  readonly accountId: string;
  readonly passwordHash: string;
  readonly passwordVersion: number;
}

export interface AccountRights {
  readonly roles: string[];
  readonly gen: number;
  readonly banned: boolean;
}

export class AccountRepository {
  /** Resolves to the time of creation, or to nothing when the canonical login exists. Two at once: one waits, then finds it. */
  async create(tx: Tx, account: NewAccount): Promise<Date | undefined> {
    const db = tables<AuthTables>(tx);
    const created = await db
      .insertInto('accounts')
      .values({
        id: account.id,
        login: account.login,
        login_canonical: account.loginCanonical,
        display_name: account.displayName,
        roles: account.roles,
        banned_at: null,
      })
      .onConflict((conflict) => conflict.column('login_canonical').doNothing())
      .returning('created_at')
      .executeTakeFirst();
    if (created === undefined) return undefined;
    await db
      .insertInto('credentials')
      .values({ account_id: account.id, password_hash: account.passwordHash })
      .execute();
    return created.created_at;
  }

  async find(tx: Tx, id: string): Promise<Account | undefined> {
    const row = await tables<AuthTables>(tx)
      .selectFrom('accounts')
      .select(['id', 'login', 'display_name', 'roles', 'gen', 'created_at'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { id: accountId, login, display_name, roles, gen, created_at } = row;
    return { id: accountId, login, displayName: display_name, roles, gen, createdAt: created_at };
  }

  /** Resolves to the account's new version, or to nothing when there is no such account. */
  async rename(tx: Tx, id: string, displayName: string): Promise<number | undefined> {
    const row = await tables<AuthTables>(tx)
      .updateTable('accounts')
      .set({ display_name: displayName, version: sql<number>`version + 1` })
      .where('id', '=', id)
      .returning('version')
      .executeTakeFirst();
    return row?.version;
  }

  async findCredential(tx: Tx, loginCanonical: string): Promise<StoredCredential | undefined> {
    const row = await tables<AuthTables>(tx)
      .selectFrom('accounts')
      .innerJoin('credentials', 'credentials.account_id', 'accounts.id')
      .select(['accounts.id', 'password_hash', 'password_version'])
      .where('login_canonical', '=', loginCanonical)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { accountId: row.id, passwordHash: row.password_hash, passwordVersion: row.password_version };
  }

  /**
   * The rights of an account whose password is still the one that was checked: one that was changed meanwhile no longer
   * lets anybody in.
   */
  async lockVerified(tx: Tx, verified: StoredCredential): Promise<AccountRights | undefined> {
    const row = await tables<AuthTables>(tx)
      .selectFrom('accounts')
      .innerJoin('credentials', 'credentials.account_id', 'accounts.id')
      .select(['roles', 'gen', 'banned_at'])
      .where('accounts.id', '=', verified.accountId)
      .where('password_version', '=', verified.passwordVersion)
      .forShare()
      .executeTakeFirst();
    return row === undefined ? undefined : { roles: row.roles, gen: row.gen, banned: row.banned_at !== null };
  }

  /** The same password under stronger parameters. */
  async replaceHash(tx: Tx, verified: StoredCredential, passwordHash: string): Promise<void> {
    await tables<AuthTables>(tx)
      .updateTable('credentials')
      .set({ password_hash: passwordHash, updated_at: sql<Date>`now()` })
      .where('account_id', '=', verified.accountId)
      .where('password_version', '=', verified.passwordVersion)
      .execute();
  }
}
