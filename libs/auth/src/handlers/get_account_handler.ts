import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { AccountReply, GET_ACCOUNT } from '@warren/contracts';
import { raise } from '../auth_errors.ts';
import type { AccountRepository } from '../repositories/account_repository.ts';
import { accountReply } from './account_reply.ts';
import { playerOf } from './player_of.ts';

/** The account of the player who asks. */
export class GetAccountHandler implements HandlerFor<typeof GET_ACCOUNT> {
  readonly #accounts: AccountRepository;

  constructor(deps: { readonly accounts: AccountRepository }) {
    this.#accounts = deps.accounts;
  }

  async apply(_dto: object, { tx, command }: ApplyContext): Promise<AccountReply> {
    const account = await this.#accounts.find(tx, playerOf(command).accountId);
    if (account === undefined) throw raise('AUTH_ACCOUNT_NOT_FOUND');
    return accountReply(account);
  }
}
