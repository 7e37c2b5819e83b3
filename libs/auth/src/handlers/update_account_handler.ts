import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { UPDATE_ACCOUNT, UpdateAccountDto, UpdateAccountReply } from '@warren/contracts';
import { raise } from '../auth_errors.ts';
import type { AccountRepository } from '../repositories/account_repository.ts';
import { playerOf } from './player_of.ts';

/** Changes what a player may change of the own account. */
export class UpdateAccountHandler implements HandlerFor<typeof UPDATE_ACCOUNT> {
  readonly #accounts: AccountRepository;

  constructor(deps: { readonly accounts: AccountRepository }) {
    this.#accounts = deps.accounts;
  }

  async apply(dto: UpdateAccountDto, { tx, command }: ApplyContext): Promise<UpdateAccountReply> {
    const { accountId } = playerOf(command);
    const version = await this.#accounts.rename(tx, accountId, dto.display_name);
    if (version === undefined) throw raise('AUTH_ACCOUNT_NOT_FOUND');
    return { account_id: accountId, display_name: dto.display_name, version };
  }
}
