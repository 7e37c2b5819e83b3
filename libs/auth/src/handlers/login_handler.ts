import type { ApplyContext, CommandContext, HandlerFor } from '@warren/command-center';
import type { LOGIN, LoginDto, TokensReply } from '@warren/contracts';
import type { Database } from '@warren/postgres';
import type { SigningKey } from '@warren/tokens';
import { raise } from '../auth_errors.ts';
import type { AccountRepository, StoredCredential } from '../repositories/account_repository.ts';
import { canonicalLogin, loginFault } from '../services/login_name.ts';
import type { PasswordHasher } from '../services/password_hasher.ts';
import type { SessionTokens } from '../services/session_tokens.ts';
import type { SigningKeyRing } from '../services/signing_key_ring.ts';

export interface LoginHandlerDeps {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly hasher: PasswordHasher;
  readonly keys: SigningKeyRing;
  readonly tokens: SessionTokens;
}

export interface VerifiedLogin {
  readonly credential: StoredCredential;
  readonly key: SigningKey;
  /** The same password under today's parameters, when the stored hash is weaker. */
  readonly newHash: string | undefined;
}

/** Opens a session. A login that does not exist costs exactly the same work as a wrong password. */
export class LoginHandler implements HandlerFor<typeof LOGIN, VerifiedLogin> {
  readonly #deps: LoginHandlerDeps;

  constructor(deps: LoginHandlerDeps) {
    this.#deps = deps;
  }

  async prepare(dto: LoginDto, context: CommandContext): Promise<VerifiedLogin> {
    const { hasher, keys } = this.#deps;
    const credential = await this.#find(dto.login);
    const matches = await hasher.verify(credential?.passwordHash, dto.password, context.signal);
    if (!matches || credential === undefined) throw raise('AUTH_CREDENTIALS_WRONG');
    const outdated = hasher.isOutdated(credential.passwordHash);
    const newHash = outdated ? await hasher.hash(dto.password, context.signal) : undefined;
    return { credential, key: await keys.active(), newHash };
  }

  async apply(_dto: LoginDto, { tx }: ApplyContext, verified: VerifiedLogin): Promise<TokensReply> {
    const { accounts, tokens } = this.#deps;
    const { credential, key, newHash } = verified;
    // the exclusive lock before the shared one: two logins that both replace the hash would otherwise wait for each other
    if (newHash !== undefined) await accounts.replaceHash(tx, credential, newHash);
    const rights = await accounts.lockVerified(tx, credential);
    if (rights === undefined) throw raise('AUTH_CREDENTIALS_WRONG');
    if (rights.banned) throw raise('ACCESS_FORBIDDEN', { message: 'This account is banned.' });
    return tokens.open(tx, key, { accountId: credential.accountId, roles: rights.roles, gen: rights.gen });
  }

  /** A login that nobody could have registered is looked up nowhere: Postgres refuses some of these texts. */
  async #find(login: string): Promise<StoredCredential | undefined> {
    if (loginFault(login) !== undefined) return undefined;
    return this.#deps.accounts.findCredential(this.#deps.database.read, canonicalLogin(login));
  }
}
