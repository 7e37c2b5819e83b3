import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { LOGOUT, LogoutReply } from '@warren/contracts';
import type { SessionRepository } from '../repositories/session_repository.ts';
import { playerOf } from './player_of.ts';

/** Ends the session that the access token was made for. */
export class LogoutHandler implements HandlerFor<typeof LOGOUT> {
  readonly #sessions: SessionRepository;

  constructor(deps: { readonly sessions: SessionRepository }) {
    this.#sessions = deps.sessions;
  }

  async apply(_dto: object, { tx, command }: ApplyContext): Promise<LogoutReply> {
    await this.#sessions.revoke(tx, playerOf(command).sessionId, 'logout');
    return { logged_out: true };
  }
}
