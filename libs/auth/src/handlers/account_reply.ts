import type { AccountReply } from '@warren/contracts';
import type { Account } from '../repositories/account_repository.ts';

export const accountReply = (account: Account): AccountReply => ({
  account_id: account.id,
  login: account.login,
  display_name: account.displayName,
  roles: [...account.roles],
  created_at: account.createdAt.toISOString(),
});
