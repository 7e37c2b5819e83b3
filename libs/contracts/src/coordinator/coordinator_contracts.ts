import * as z from 'zod';
import { defineContract, defineEvent } from '../contract.ts';
import { errorPicker } from '../error_picker.ts';
import { IdField, NameField, TimeField, text } from '../fields.ts';
import { COORDINATOR_ERRORS, MATCH_FAILURES, type MatchFailure } from './coordinator_errors.ts';

const pick = errorPicker(COORDINATOR_ERRORS);

export const CreateTicketDto = z.object({
  mode: NameField,
  /** Free text of the client, given back with the ticket. */
  client_tag: text(0, 128).default(''),
});
export type CreateTicketDto = z.output<typeof CreateTicketDto>;
export const TicketReply = z.object({
  ticket_id: IdField,
  mode: NameField,
  client_tag: z.string(),
  state: z.enum(['active', 'matched', 'cancelled', 'ended', 'failed']),
  game_id: IdField.nullable(),
  created_at: TimeField,
});
export type TicketReply = z.output<typeof TicketReply>;

export const CREATE_TICKET = defineContract({
  name: 'coordinator.create_ticket',
  summary: 'Joins matchmaking. A player has at most one active ticket.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'POST', path: '/v1/tickets', status: 201 },
  ws: 'ticket.create',
  dto: CreateTicketDto,
  reply: TicketReply,
  errors: pick('COORDINATOR_MODE_UNKNOWN', 'COORDINATOR_TICKET_ACTIVE'),
  idempotency: 'inbox',
});

export const TicketIdDto = z.object({ ticket_id: IdField });
export type TicketIdDto = z.output<typeof TicketIdDto>;

export const CANCEL_TICKET = defineContract({
  name: 'coordinator.cancel_ticket',
  summary: 'Leaves matchmaking. Cancelling a cancelled ticket succeeds.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'POST', path: '/v1/tickets/{ticket_id}/cancel', status: 200 },
  ws: 'ticket.cancel',
  dto: TicketIdDto,
  reply: TicketReply,
  errors: pick('COORDINATOR_TICKET_NOT_FOUND', 'COORDINATOR_TICKET_MATCHED'),
  idempotency: 'inbox',
});

export const GET_TICKET = defineContract({
  name: 'coordinator.get_ticket',
  summary: 'A ticket of your own.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'GET', path: '/v1/tickets/{ticket_id}', status: 200 },
  ws: 'ticket.get',
  dto: TicketIdDto,
  reply: TicketReply,
  errors: pick('COORDINATOR_TICKET_NOT_FOUND'),
  idempotency: 'read',
});

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a literal are the keys of its type
const MatchFailureField = z.enum(Object.keys(MATCH_FAILURES) as [MatchFailure, ...MatchFailure[]]);
export const GameIdDto = z.object({ game_id: IdField });
export type GameIdDto = z.output<typeof GameIdDto>;
const Score = z.object({ player_id: IdField, score: z.int().min(-1_000_000_000).max(1_000_000_000) });
export const MatchReply = z.object({
  game_id: IdField,
  mode: NameField,
  state: z.enum(['allocating', 'inviting', 'joining', 'running', 'ended', 'failed']),
  players: z.array(z.object({ player_id: IdField, slot: z.int(), joined: z.boolean() })),
  instance_id: NameField.nullable(),
  winner: IdField.nullable(),
  scores: z.array(Score),
  failure: MatchFailureField.nullable(),
  trace_id: z.string(),
  created_at: TimeField,
  ended_at: TimeField.nullable(),
});
export type MatchReply = z.output<typeof MatchReply>;

export const GET_MATCH = defineContract({
  name: 'coordinator.get_match',
  summary: 'A match that you play or played in.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'GET', path: '/v1/matches/{game_id}', status: 200 },
  ws: 'match.get',
  dto: GameIdDto,
  reply: MatchReply,
  errors: pick('COORDINATOR_MATCH_NOT_FOUND'),
  idempotency: 'read',
});

export const MatchStateReply = z.object({ game_id: IdField, state: MatchReply.shape.state });
export type MatchStateReply = z.output<typeof MatchStateReply>;
const SERVER_ERRORS = pick(
  'COORDINATOR_MATCH_NOT_FOUND',
  'COORDINATOR_MATCH_NOT_RUNNING',
  'COORDINATOR_RESULT_INVALID',
);

export const ReportJoinDto = z.object({ game_id: IdField, player_id: IdField });
export type ReportJoinDto = z.output<typeof ReportJoinDto>;

export const REPORT_JOIN = defineContract({
  name: 'coordinator.report_join',
  summary: 'Says that a player joined the match on the game server.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/matches/{game_id}/join', status: 200 },
  dto: ReportJoinDto,
  reply: MatchStateReply,
  errors: SERVER_ERRORS,
  idempotency: 'natural',
  limits: { ratePerMinute: 6_000 },
});

export const ReportResultDto = z.object({
  game_id: IdField,
  winner: IdField,
  scores: z.array(Score).min(1).max(64),
  /** Hash of the final state; with seed and inputs the match can be replayed to it. */
  state_hash: z.string().regex(/^[0-9a-f]{16,64}$/),
  /** Inputs that the players sent and the server applied. */
  inputs: z.int().min(0),
});
export type ReportResultDto = z.output<typeof ReportResultDto>;

export const REPORT_RESULT = defineContract({
  name: 'coordinator.report_result',
  summary: 'Ends the match with its result.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/matches/{game_id}/result', status: 200 },
  dto: ReportResultDto,
  reply: MatchStateReply,
  errors: SERVER_ERRORS,
  idempotency: 'inbox',
  limits: { ratePerMinute: 600 },
});

export const ReportFailureDto = z.object({
  game_id: IdField,
  failure: z.enum(['MATCH_PLAYER_ABSENT', 'MATCH_ABORTED']),
});
export type ReportFailureDto = z.output<typeof ReportFailureDto>;

export const REPORT_FAILURE = defineContract({
  name: 'coordinator.report_failure',
  summary: 'Ends the match without a result.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/matches/{game_id}/failure', status: 200 },
  dto: ReportFailureDto,
  reply: MatchStateReply,
  errors: SERVER_ERRORS,
  idempotency: 'inbox',
  limits: { ratePerMinute: 600 },
});

export const COORDINATOR_CONTRACTS = [
  CREATE_TICKET,
  CANCEL_TICKET,
  GET_TICKET,
  GET_MATCH,
  REPORT_JOIN,
  REPORT_RESULT,
  REPORT_FAILURE,
] as const;

export const MATCH_FOUND = defineEvent({
  name: 'coordinator.match_found',
  summary: 'Your match is ready: connect to the address and present the join ticket.',
  client: 'match.found',
  secretFields: ['join_ticket'],
  payload: z.object({
    game_id: IdField,
    mode: NameField,
    address: z.string(),
    slot: z.int(),
    join_ticket: z.string(),
    expires_at: TimeField,
    players: z.array(z.object({ player_id: IdField, slot: z.int() })),
  }),
});

export const MATCH_ENDED = defineEvent({
  name: 'coordinator.match_ended',
  summary: 'Your match has a result.',
  client: 'match.ended',
  payload: z.object({
    game_id: IdField,
    mode: NameField,
    winner: IdField,
    scores: z.array(Score),
    trace_id: z.string(),
  }),
});

export const MATCH_FAILED = defineEvent({
  name: 'coordinator.match_failed',
  summary: 'Your match ended without a result. Your ticket is free again.',
  client: 'match.failed',
  payload: z.object({ game_id: IdField, mode: NameField, code: MatchFailureField, message: z.string() }),
});
