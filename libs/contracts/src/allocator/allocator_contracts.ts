import * as z from 'zod';
import { defineContract, defineEvent } from '../contract.ts';
import { errorPicker } from '../error_picker.ts';
import { EmptyDto, IdField, NameField, TimeField } from '../fields.ts';
import { ALLOCATOR_ERRORS } from './allocator_errors.ts';

const pick = errorPicker(ALLOCATOR_ERRORS);

/** Games of one server: their ids fit into one heartbeat of 256 KiB. */
const MAX_GAMES = 5_000;

/** Where players connect: `wss://host:port/path` or `ws://…`. */
const AddressField = z.url({ protocol: /^wss?$/ }).max(256);

/** What a game server needs to know of the match that it is to run. */
export const MatchSpec = z.object({
  mode: NameField,
  players: z
    .array(z.object({ player_id: IdField, slot: z.int().min(0).max(255) }))
    .min(1)
    .max(64),
  /** Seed of the match's random numbers, 0 … 2^32-1. */
  seed: z.int().min(0).max(0xffff_ffff),
  /** W3C traceparent of the match; the server sends it with its reports, so that one trace tells the whole match. */
  traceparent: z.string().max(64).optional(),
});
export type MatchSpec = z.output<typeof MatchSpec>;

export const Assignment = z.object({
  game_id: IdField,
  lease_id: IdField,
  state: z.enum(['reserved', 'confirmed']),
  /** Until when an unconfirmed lease lives; null once confirmed. */
  expires_at: TimeField.nullable(),
  match: MatchSpec,
});
export type Assignment = z.output<typeof Assignment>;

export const AssignGameDto = z.object({
  game_id: IdField,
  settings: z
    .object({
      /** low: the server with the least CPU load. high: the one with the least RAM in use. */
      resource_level: z.enum(['low', 'high']).default('low'),
    })
    .default({ resource_level: 'low' }),
  match: MatchSpec,
});
export type AssignGameDto = z.output<typeof AssignGameDto>;
export const AssignGameReply = z.discriminatedUnion('success', [
  z.object({
    success: z.literal(true),
    instance_id: NameField,
    address: AddressField,
    lease_id: IdField,
    /** Until when the lease lives unconfirmed; null once confirmed. */
    expires_at: TimeField.nullable(),
  }),
  z.object({ success: z.literal(false), code: z.string(), retryable: z.boolean() }),
]);
export type AssignGameReply = z.output<typeof AssignGameReply>;

export const ASSIGN_GAME = defineContract({
  name: 'allocator.assign_game',
  summary: 'Reserves a place for a game on the best server. The same game_id gets the same server until release.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  dto: AssignGameDto,
  reply: AssignGameReply,
  errors: {},
  idempotency: 'natural',
});

export const ReleaseGameDto = z.object({ game_id: IdField, reason: z.enum(['ended', 'failed', 'cancelled']) });
export type ReleaseGameDto = z.output<typeof ReleaseGameDto>;
export const ReleaseGameReply = z.object({ released: z.boolean() });
export type ReleaseGameReply = z.output<typeof ReleaseGameReply>;

export const RELEASE_GAME = defineContract({
  name: 'allocator.release_game',
  summary: 'Ends the lease of a game and frees its place.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['rpc', 'command'],
  dto: ReleaseGameDto,
  reply: ReleaseGameReply,
  errors: {},
  idempotency: 'natural',
});

export const RegisterServerDto = z.object({
  address: AddressField,
  /** Games that it can run at once. */
  capacity: z.int().min(1).max(MAX_GAMES),
  region: NameField.default('default'),
  version: NameField.default('0'),
  tags: z.array(NameField).max(16).default([]),
});
export type RegisterServerDto = z.output<typeof RegisterServerDto>;
export const RegisterServerReply = z.object({ instance_id: NameField, heartbeat_interval_ms: z.int() });
export type RegisterServerReply = z.output<typeof RegisterServerReply>;

export const REGISTER_SERVER = defineContract({
  name: 'allocator.register_server',
  summary: 'Puts a game server into the directory, or updates its entry.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/register', status: 200 },
  dto: RegisterServerDto,
  reply: RegisterServerReply,
  errors: pick('ALLOCATOR_ADDRESS_REFUSED'),
  idempotency: 'natural',
});

const LoadField = z.number().min(0).max(1);
export const ReportHeartbeatDto = z.object({
  /** Share of the machine's CPU in use, 0 … 1. */
  cpu: LoadField,
  /** Share of the machine's memory in use, 0 … 1. */
  ram: LoadField,
  /** The games that run on it now. */
  games: z.array(IdField).max(MAX_GAMES),
});
export type ReportHeartbeatDto = z.output<typeof ReportHeartbeatDto>;
export const ReportHeartbeatReply = z.object({ draining: z.boolean(), assignments: z.array(Assignment) });
export type ReportHeartbeatReply = z.output<typeof ReportHeartbeatReply>;

export const REPORT_HEARTBEAT = defineContract({
  name: 'allocator.report_heartbeat',
  summary: 'Says that a server lives and how loaded it is; answers with all its current assignments.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/heartbeat', status: 200 },
  dto: ReportHeartbeatDto,
  reply: ReportHeartbeatReply,
  errors: pick('ALLOCATOR_SERVER_UNKNOWN'),
  idempotency: 'natural',
  limits: { ratePerMinute: 600, maxBytes: 256 * 1024 },
});

export const ConfirmAssignmentDto = z.object({ game_id: IdField, lease_id: IdField });
export type ConfirmAssignmentDto = z.output<typeof ConfirmAssignmentDto>;

export const CONFIRM_ASSIGNMENT = defineContract({
  name: 'allocator.confirm_assignment',
  summary: 'Says that the server has the game ready for its players.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/confirm', status: 200 },
  dto: ConfirmAssignmentDto,
  reply: Assignment,
  errors: pick('ALLOCATOR_LEASE_UNKNOWN', 'ALLOCATOR_LEASE_ENDED'),
  idempotency: 'natural',
  limits: { ratePerMinute: 600 },
});

export const DrainServerReply = z.object({ draining: z.literal(true), games: z.int() });
export type DrainServerReply = z.output<typeof DrainServerReply>;

export const DRAIN_SERVER = defineContract({
  name: 'allocator.drain_server',
  summary: 'Gives the server no new games; the running ones end normally.',
  exposure: 'public',
  access: { kind: 'server' },
  http: { method: 'POST', path: '/v1/servers/drain', status: 200 },
  dto: EmptyDto,
  reply: DrainServerReply,
  errors: pick('ALLOCATOR_SERVER_UNKNOWN'),
  idempotency: 'natural',
});

export const ALLOCATOR_CONTRACTS = [
  ASSIGN_GAME,
  RELEASE_GAME,
  REGISTER_SERVER,
  REPORT_HEARTBEAT,
  CONFIRM_ASSIGNMENT,
  DRAIN_SERVER,
] as const;

/** Pushed to the game server. */
export const GAME_ASSIGNED = defineEvent({
  name: 'allocator.game_assigned',
  summary: 'A game was given to this server.',
  client: 'server.assigned',
  payload: Assignment,
});

/** Pushed to the game server. */
export const GAME_RELEASED = defineEvent({
  name: 'allocator.game_released',
  summary: 'A game was taken from this server; whatever still runs of it ends now.',
  client: 'server.released',
  payload: z.object({ game_id: IdField, lease_id: IdField, reason: z.string() }),
});

export const LEASE_LOST = defineEvent({
  name: 'allocator.lease_lost',
  summary: 'A lease ended without a release: the server never confirmed it, or went silent.',
  payload: z.object({
    game_id: IdField,
    lease_id: IdField,
    instance_id: NameField,
    reason: z.enum(['confirm_timeout', 'server_lost']),
  }),
});
