import * as z from 'zod';
import { defineContract } from '../contract.ts';
import { errorPicker } from '../error_picker.ts';
import { EmptyDto, IdField, label, NameField, TimeField, text } from '../fields.ts';
import { AUTH_ERRORS } from './auth_errors.ts';

const pick = errorPicker(AUTH_ERRORS);
const MAX_PASSWORD_BYTES = 512;
const encoder = new TextEncoder();

const PasswordField = z
  .string()
  .min(8)
  .max(MAX_PASSWORD_BYTES)
  .refine((value) => [...value].length <= 128, 'must have at most 128 characters')
  .refine(
    (value) => encoder.encode(value).length <= MAX_PASSWORD_BYTES,
    `must have at most ${MAX_PASSWORD_BYTES} bytes`,
  )
  .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed Unicode');

/** On login any password is only compared, so that the rules of today do not lock out yesterday's passwords. */
const PresentedPasswordField = z
  .string()
  .min(1)
  .max(MAX_PASSWORD_BYTES)
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

const AUTH_LIMITS = { maxBytes: 4 * 1024, ratePerMinute: 30 };
/** Nobody guesses 256 random bits, and hundreds of players may share one address. */
const TOKEN_LIMITS = { maxBytes: 4 * 1024, ratePerMinute: 600 };

export const RegisterDto = z.object({ login: text(3, 64), password: PasswordField, display_name: label(1, 64) });
export type RegisterDto = z.output<typeof RegisterDto>;
export const AccountReply = z.object({
  account_id: IdField,
  login: z.string(),
  display_name: z.string(),
  roles: z.array(z.string()),
  created_at: TimeField,
});
export type AccountReply = z.output<typeof AccountReply>;

export const REGISTER = defineContract({
  name: 'auth.register',
  summary: 'Creates an account with a login name and a password.',
  exposure: 'public',
  access: { kind: 'anonymous' },
  http: { method: 'POST', path: '/v1/auth/register', status: 201 },
  dto: RegisterDto,
  reply: AccountReply,
  errors: pick('AUTH_LOGIN_TAKEN', 'AUTH_LOGIN_NOT_ALLOWED', 'AUTH_PASSWORD_TOO_WEAK', 'AUTH_HASHING_BUSY'),
  idempotency: 'inbox',
  secretFields: ['password'],
  limits: AUTH_LIMITS,
});

export const LoginDto = z.object({ login: z.string().min(1).max(256), password: PresentedPasswordField });
export type LoginDto = z.output<typeof LoginDto>;
export const TokensReply = z.object({
  account_id: IdField,
  token_type: z.literal('Bearer'),
  access_token: z.string(),
  /** Seconds. */
  expires_in: z.int(),
  refresh_token: z.string(),
  /** Seconds. */
  refresh_expires_in: z.int(),
});
export type TokensReply = z.output<typeof TokensReply>;

export const LOGIN = defineContract({
  name: 'auth.login',
  summary: 'Exchanges login and password for an access token and a refresh token.',
  exposure: 'public',
  access: { kind: 'anonymous' },
  http: { method: 'POST', path: '/v1/auth/login', status: 200 },
  dto: LoginDto,
  reply: TokensReply,
  errors: pick('AUTH_CREDENTIALS_WRONG', 'AUTH_HASHING_BUSY'),
  idempotency: 'own',
  secretFields: ['password'],
  limits: AUTH_LIMITS,
});

export const RefreshDto = z.object({ refresh_token: z.string().min(20).max(256) });
export type RefreshDto = z.output<typeof RefreshDto>;

export const REFRESH = defineContract({
  name: 'auth.refresh',
  summary: 'Exchanges a refresh token for a new pair. Each refresh token is usable once.',
  exposure: 'public',
  access: { kind: 'anonymous' },
  http: { method: 'POST', path: '/v1/auth/refresh', status: 200 },
  dto: RefreshDto,
  reply: TokensReply,
  errors: pick('AUTH_REFRESH_REFUSED'),
  idempotency: 'own',
  secretFields: ['refresh_token'],
  limits: TOKEN_LIMITS,
});

export const LogoutReply = z.object({ logged_out: z.literal(true) });
export type LogoutReply = z.output<typeof LogoutReply>;

export const LOGOUT = defineContract({
  name: 'auth.logout',
  summary: 'Ends the session of the access token: its refresh tokens stop working.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'POST', path: '/v1/auth/logout', status: 200 },
  dto: EmptyDto,
  reply: LogoutReply,
  errors: {},
  idempotency: 'natural',
});

export const GET_ACCOUNT = defineContract({
  name: 'auth.get_account',
  summary: 'The account of the access token.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'GET', path: '/v1/me', status: 200 },
  ws: 'account.get',
  dto: EmptyDto,
  reply: AccountReply,
  errors: pick('AUTH_ACCOUNT_NOT_FOUND'),
  idempotency: 'read',
});

export const UpdateAccountDto = z.object({ display_name: label(1, 64) });
export type UpdateAccountDto = z.output<typeof UpdateAccountDto>;
export const UpdateAccountReply = z.object({
  account_id: IdField,
  display_name: z.string(),
  /** Grows by one with every change, so that of two answers the newer one is known. */
  version: z.int(),
});
export type UpdateAccountReply = z.output<typeof UpdateAccountReply>;

export const UPDATE_ACCOUNT = defineContract({
  name: 'auth.update_account',
  summary: 'Changes the display name of the account.',
  exposure: 'public',
  access: { kind: 'player' },
  http: { method: 'POST', path: '/v1/me', status: 200 },
  ws: 'account.update',
  dto: UpdateAccountDto,
  reply: UpdateAccountReply,
  errors: pick('AUTH_ACCOUNT_NOT_FOUND'),
  idempotency: 'inbox',
});

export const ValidateTokenDto = z.object({ token: z.string().min(1).max(4096) });
export type ValidateTokenDto = z.output<typeof ValidateTokenDto>;
export const ValidateTokenReply = z.discriminatedUnion('active', [
  z.object({
    active: z.literal(true),
    account_id: IdField,
    session_id: IdField,
    roles: z.array(z.string()),
    expires_at: TimeField,
  }),
  z.object({ active: z.literal(false) }),
]);
export type ValidateTokenReply = z.output<typeof ValidateTokenReply>;

export const VALIDATE_TOKEN = defineContract({
  name: 'auth.validate_token',
  summary: 'Says whether an access token is valid and its session alive.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['gateway', 'coordinator', 'ops'] },
  dto: ValidateTokenDto,
  reply: ValidateTokenReply,
  errors: {},
  idempotency: 'read',
  secretFields: ['token'],
});

/** Public halves of the signing keys (RFC 7517). */
export const JwksReply = z.object({
  keys: z.array(
    z.object({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: z.string(),
      y: z.string(),
      kid: z.string(),
      alg: z.literal('ES256'),
      use: z.literal('sig'),
    }),
  ),
});
export type JwksReply = z.output<typeof JwksReply>;

export const GET_JWKS = defineContract({
  name: 'auth.get_jwks',
  summary: 'The public keys that verify tokens.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['gateway', 'coordinator', 'ops'] },
  dto: EmptyDto,
  reply: JwksReply,
  errors: {},
  idempotency: 'read',
});

export const IssueJoinTicketDto = z.object({
  game_id: IdField,
  instance_id: NameField,
  players: z
    .array(z.object({ player_id: IdField, slot: z.int().min(0).max(255) }))
    .min(1)
    .max(64),
});
export type IssueJoinTicketDto = z.output<typeof IssueJoinTicketDto>;
export const IssueJoinTicketReply = z.object({
  expires_at: TimeField,
  tickets: z.array(z.object({ player_id: IdField, slot: z.int(), join_ticket: z.string() })),
});
export type IssueJoinTicketReply = z.output<typeof IssueJoinTicketReply>;

export const ISSUE_JOIN_TICKET = defineContract({
  name: 'auth.issue_join_ticket',
  summary: 'Signs the tickets with which the players of a match join its game server.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  dto: IssueJoinTicketDto,
  reply: IssueJoinTicketReply,
  errors: {},
  idempotency: 'own',
});

export const ExchangeServerKeyDto = z.object({ server_key: z.string().min(20).max(256), instance_id: NameField });
export type ExchangeServerKeyDto = z.output<typeof ExchangeServerKeyDto>;
export const ServerTokenReply = z.object({
  token_type: z.literal('Bearer'),
  access_token: z.string(),
  /** Seconds. */
  expires_in: z.int(),
});
export type ServerTokenReply = z.output<typeof ServerTokenReply>;

export const EXCHANGE_SERVER_KEY = defineContract({
  name: 'auth.exchange_server_key',
  summary: 'Exchanges a fleet key for a short server token.',
  exposure: 'public',
  access: { kind: 'anonymous' },
  http: { method: 'POST', path: '/v1/servers/token', status: 200 },
  dto: ExchangeServerKeyDto,
  reply: ServerTokenReply,
  errors: pick('AUTH_SERVER_KEY_REFUSED', 'AUTH_INSTANCE_TAKEN'),
  idempotency: 'own',
  secretFields: ['server_key'],
  limits: TOKEN_LIMITS,
});

export const AUTH_CONTRACTS = [
  REGISTER,
  LOGIN,
  REFRESH,
  LOGOUT,
  GET_ACCOUNT,
  UPDATE_ACCOUNT,
  VALIDATE_TOKEN,
  GET_JWKS,
  ISSUE_JOIN_TICKET,
  EXCHANGE_SERVER_KEY,
] as const;
