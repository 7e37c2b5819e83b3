// what a player may ask and hears, so that a game needs this package alone
export {
  type AccountReply,
  CANCEL_TICKET,
  type Contract,
  CREATE_TICKET,
  type EventContract,
  GET_ACCOUNT,
  GET_MATCH,
  GET_TICKET,
  MATCH_ENDED,
  MATCH_FAILED,
  MATCH_FOUND,
  type MatchReply,
  type PayloadOf,
  type ReplyOf,
  type TicketReply,
} from '@warren/contracts';
export {
  type CallOptions,
  EventFeed,
  type RequestOptions,
  type SessionState,
  SocketSession,
  WarrenError,
} from '@warren/wire';
export type { StoredTokens } from './token_keeper.ts';
export {
  type ConnectOptions,
  type PlayerCallOptions,
  WarrenClient,
  type WarrenClientOptions,
} from './warren_client.ts';
