import {
  type AccountReply,
  CREATE_TICKET,
  GET_ACCOUNT,
  LOGIN,
  type MatchStateReply,
  REGISTER,
  REPORT_HEARTBEAT,
  REPORT_JOIN,
  type ReportHeartbeatReply,
  type TicketReply,
  type TokensReply,
} from '@warren/contracts';

const SAMPLE_ID = '33333333-3333-4333-8333-333333333333';
const TIME = '2026-01-02T03:04:05.000Z';

const account: AccountReply = {
  account_id: SAMPLE_ID,
  login: 'somebody',
  display_name: 'Somebody',
  roles: ['player'],
  created_at: TIME,
};
export const sampleTicket: TicketReply = {
  ticket_id: SAMPLE_ID,
  mode: 'duel',
  client_tag: '',
  state: 'active',
  game_id: null,
  created_at: TIME,
};
const tokens: TokensReply = {
  account_id: SAMPLE_ID,
  token_type: 'Bearer',
  access_token: 'a',
  expires_in: 600,
  refresh_token: 'r',
  refresh_expires_in: 6_000,
};
const state: MatchStateReply = { game_id: SAMPLE_ID, state: 'running' };
const heartbeat: ReportHeartbeatReply = { draining: false, assignments: [] };

/** Replies that fit their contracts, for a responder that stands in for the services. */
export const SAMPLE_REPLIES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  [GET_ACCOUNT.name, account],
  [REGISTER.name, account],
  [LOGIN.name, tokens],
  [CREATE_TICKET.name, sampleTicket],
  [REPORT_JOIN.name, state],
  [REPORT_HEARTBEAT.name, heartbeat],
]);
