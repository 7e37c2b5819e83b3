import type { ApplyContext, CommandContext, HandlerFor } from '@warren/command-center';
import type { AccountReply, REGISTER, RegisterDto } from '@warren/contracts';
import { newId } from '@warren/kernel';
import { fault, raise } from '../auth_errors.ts';
import type { AccountRepository } from '../repositories/account_repository.ts';
import { passwordFault } from '../services/common_passwords.ts';
import { canonicalLogin, loginFault } from '../services/login_name.ts';
import type { PasswordHasher } from '../services/password_hasher.ts';
import { accountReply } from './account_reply.ts';

const FIRST_ROLES = ['player'];

export interface RegisterHandlerDeps {
  readonly accounts: AccountRepository;
  readonly hasher: PasswordHasher;
}

/** Creates an account. The hash is made before the transaction begins. */
export class RegisterHandler implements HandlerFor<typeof REGISTER, string> {
  readonly #deps: RegisterHandlerDeps;

  constructor(deps: RegisterHandlerDeps) {
    this.#deps = deps;
  }

  async prepare(dto: RegisterDto, context: CommandContext): Promise<string> {
    const badLogin = loginFault(dto.login);
    if (badLogin !== undefined) throw raise('AUTH_LOGIN_NOT_ALLOWED', { fields: fault('login', badLogin) });
    const badPassword = passwordFault(dto.password, dto.login);
    if (badPassword !== undefined) throw raise('AUTH_PASSWORD_TOO_WEAK', { fields: fault('password', badPassword) });
    return this.#deps.hasher.hash(dto.password, context.signal);
  }

  async apply(dto: RegisterDto, context: ApplyContext, passwordHash: string): Promise<AccountReply> {
    const { login, display_name: displayName } = dto;
    const account = { id: newId(), login, displayName, roles: FIRST_ROLES, gen: 0 };
    const createdAt = await this.#deps.accounts.create(context.tx, {
      ...account,
      loginCanonical: canonicalLogin(login),
      passwordHash,
    });
    if (createdAt === undefined) throw raise('AUTH_LOGIN_TAKEN', { fields: fault('login', 'is taken') });
    return accountReply({ ...account, createdAt });
  }
}
