import type { Generated } from '@warren/postgres';

/** Schema `auth`. */
export interface AuthTables {
  accounts: AccountsTable;
  credentials: CredentialsTable;
  sessions: SessionsTable;
  refresh_tokens: RefreshTokensTable;
  signing_keys: SigningKeysTable;
  server_keys: ServerKeysTable;
  server_instances: ServerInstancesTable;
}

interface AccountsTable {
  id: string;
  /** As the player wrote it. */
  login: string;
  /** What two logins are compared by; see services/login_name.ts. */
  login_canonical: string;
  display_name: string;
  roles: string[];
  /** Generation of the account's rights: a token with a lower one is stale. */
  gen: Generated<number>;
  /** Changes of the account's own fields so far. */
  version: Generated<number>;
  created_at: Generated<Date>;
  banned_at: Date | null;
}

interface CredentialsTable {
  account_id: string;
  /** Argon2id in PHC form, with its parameters. */
  password_hash: string;
  /** Grows with every change of the password, not when only its hash is made anew. */
  password_version: Generated<number>;
  updated_at: Generated<Date>;
}

/** One login of one account; the family of its refresh tokens. */
interface SessionsTable {
  id: string;
  account_id: string;
  created_at: Generated<Date>;
  last_used_at: Generated<Date>;
  expires_at: Date;
  revoked_at: Date | null;
  revoke_reason: string | null;
}

interface RefreshTokensTable {
  /** SHA-256 of the token; the token itself is stored nowhere. */
  hash: Buffer;
  session_id: string;
  generation: number;
  parent: Buffer | null;
  created_at: Generated<Date>;
  expires_at: Date;
  rotated_at: Date | null;
  successor: Buffer | null;
  /** The successor's token, encrypted under a key that only the holder of this token can derive. */
  successor_sealed: Buffer | null;
}

interface SigningKeysTable {
  kid: string;
  state: 'next' | 'active' | 'retired';
  public_x: string;
  public_y: string;
  /** PKCS #8, encrypted under AUTH_KEY_ENCRYPTION_KEY. */
  private_sealed: Buffer;
  created_at: Generated<Date>;
  retired_at: Date | null;
}

interface ServerKeysTable {
  id: string;
  name: string;
  hash: Buffer;
  created_at: Generated<Date>;
  revoked_at: Date | null;
}

interface ServerInstancesTable {
  instance_id: string;
  server_key_id: string;
  created_at: Generated<Date>;
  last_used_at: Generated<Date>;
}
