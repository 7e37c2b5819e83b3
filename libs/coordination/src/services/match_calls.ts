import {
  ASSIGN_GAME,
  type AssignGameDto,
  type AssignGameReply,
  ISSUE_JOIN_TICKET,
  type IssueJoinTicketDto,
  type IssueJoinTicketReply,
} from '@warren/contracts';
import type { RpcClient } from '@warren/rabbit';

export type Invitation = IssueJoinTicketReply;

export interface MatchCallOptions {
  /** The same for every repetition of one step of one match. */
  readonly messageId: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** The two calls that matches make to other services. @throws AppError when there is no answer within the deadline */
export interface MatchCalls {
  assignGame(dto: AssignGameDto, options: MatchCallOptions): Promise<AssignGameReply>;
  issueJoinTickets(dto: IssueJoinTicketDto, options: MatchCallOptions): Promise<Invitation>;
}

export class RpcMatchCalls implements MatchCalls {
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  assignGame(dto: AssignGameDto, options: MatchCallOptions): Promise<AssignGameReply> {
    return this.#rpc.call(ASSIGN_GAME, dto, options);
  }

  issueJoinTickets(dto: IssueJoinTicketDto, options: MatchCallOptions): Promise<Invitation> {
    return this.#rpc.call(ISSUE_JOIN_TICKET, dto, options);
  }
}
