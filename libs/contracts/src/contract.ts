import type * as z from 'zod';

/** Same shape as the kernel's error table; written here again because contracts import zod and nothing else. */
interface ContractError {
  readonly kind:
    | 'invalid'
    | 'unauthenticated'
    | 'forbidden'
    | 'not_found'
    | 'conflict'
    | 'gone'
    | 'too_large'
    | 'unsupported'
    | 'unprocessable'
    | 'rate_limited'
    | 'internal'
    | 'unavailable'
    | 'timeout';
  readonly message: string;
  readonly retryable: boolean;
}

export type ContractErrors = Readonly<Record<string, ContractError>>;

/** Who may send a command. Nothing is allowed that is not named here. */
export type Access =
  /** Anybody, before any login. Public exposure only. */
  | { readonly kind: 'anonymous' }
  /** A player with a valid access token; with `roles`, one of these roles. */
  | { readonly kind: 'player'; readonly roles?: readonly string[] }
  /** A game server with a valid server token. */
  | { readonly kind: 'server' }
  /** Only these services (broker-checked user). */
  | { readonly kind: 'service'; readonly callers: readonly string[] };

/**
 * How a repeated call is made harmless.
 * - `inbox`: stored reply under the message id, in the effect's transaction
 * - `own`: the handler's own rule (its request or reply carries a secret, so nothing is stored)
 * - `natural`: the same call has the same effect by itself (upsert, compare-and-set)
 * - `read`: no effect
 */
export type Idempotency = 'inbox' | 'own' | 'natural' | 'read';

/** `rpc`: somebody waits for the reply. `command`: durable, nobody waits. */
type Way = 'rpc' | 'command';

/**
 * What keeps the durable commands of one key in order.
 * - `sequence`: they are done one after the other, as they were sent. One that fails for a reason that may pass is tried
 *   again in place, while other keys go on; one that fails for good blocks its key until somebody has decided.
 * - `version`: they may overtake each other. The DTO's integer field `version` says which one is newer, and whatever is not
 *   newer than the newest one done is refused with COMMAND_STALE.
 */
type Order = 'sequence' | 'version';

export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With `{field}` for path parameters that are fields of the DTO: `/v1/tickets/{ticket_id}`. */
  readonly path: string;
  readonly status: 200 | 201 | 202;
}

interface Limits {
  /** Largest request body, bytes. */
  readonly maxBytes: number;
  /** Calls per minute and caller (account, server instance or address). */
  readonly ratePerMinute: number;
}

/** One command of one service: the only place that says what it is. See docs/adding_a_command.md. */
export interface Contract<
  Name extends string = string,
  Dto extends z.ZodObject = z.ZodObject,
  Reply extends z.ZodType = z.ZodType,
> {
  /** `<service prefix>.<verb_noun>`; also the routing key. */
  readonly name: Name;
  readonly version: number;
  /** One sentence for the API documents. */
  readonly summary: string;
  readonly exposure: 'public' | 'internal';
  readonly access: Access;
  readonly ways: readonly Way[];
  readonly dto: Dto;
  readonly reply: Reply;
  readonly errors: ContractErrors;
  readonly http?: HttpRoute;
  /** WebSocket message type, such as `ticket.create`. */
  readonly ws?: string;
  readonly limits: Limits;
  readonly idempotency: Idempotency;
  /** Top-level DTO fields that are secrets: left out of fingerprints, never logged. */
  readonly secretFields: readonly string[];
  /** How long a caller waits, milliseconds. */
  readonly deadlineMs: number;
  /** Top-level DTO field, a string or an integer, by whose value the commands are ordered. */
  readonly key?: string;
  /** Only with `key`. */
  readonly order?: Order;
}

export type DtoOf<C extends Contract> = z.output<C['dto']>;
export type ReplyOf<C extends Contract> = z.output<C['reply']>;

interface ContractInput<Name extends string, Dto extends z.ZodObject, Reply extends z.ZodType>
  extends Pick<
    Contract<Name, Dto, Reply>,
    'name' | 'summary' | 'exposure' | 'access' | 'dto' | 'reply' | 'errors' | 'idempotency'
  > {
  readonly version?: number;
  readonly ways?: readonly Way[];
  readonly http?: HttpRoute;
  readonly ws?: string;
  readonly limits?: Partial<Limits>;
  readonly secretFields?: readonly string[];
  readonly deadlineMs?: number;
  readonly key?: string;
  readonly order?: Order;
}

/**
 * How long a service remembers a message id after its effect: a call that is repeated, or a dead letter that is put back,
 * later than that may have its effect again.
 */
export const KEY_RETENTION_MS = 7 * 24 * 3_600_000;
const DEFAULT_DEADLINE_MS = 5_000;
const DEFAULT_LIMITS: Limits = { maxBytes: 16 * 1024, ratePerMinute: 120 };

/**
 * Completes and freezes a contract. Version 1, RPC, 16 KiB, 120 calls a minute and 5 s unless said; with a key its order
 * is `sequence`.
 * @throws TypeError for a key or order that cannot be kept
 */
export function defineContract<const Name extends string, Dto extends z.ZodObject, Reply extends z.ZodType>(
  input: ContractInput<Name, Dto, Reply>,
): Contract<Name, Dto, Reply> {
  const contract: Contract<Name, Dto, Reply> = Object.freeze({
    version: 1,
    ways: ['rpc'] as const,
    secretFields: [],
    deadlineMs: DEFAULT_DEADLINE_MS,
    ...input,
    ...(input.key === undefined ? {} : { order: input.order ?? 'sequence' }),
    limits: { ...DEFAULT_LIMITS, ...input.limits },
  });
  const problem = orderProblem(contract);
  if (problem !== undefined) throw new TypeError(`${contract.name} ${problem}`);
  return contract;
}

function orderProblem(contract: Contract): string | undefined {
  const { key, order, dto, secretFields } = contract;
  if (key === undefined) return order === undefined ? undefined : 'has an order and no key';
  if (!Object.hasOwn(dto.shape, key)) return `has no field "${key}" to be its key`;
  if (secretFields.includes(key)) return 'has a secret for its key, which would be shown';
  if (order === 'sequence') return sequenceProblem(contract);
  return Object.hasOwn(dto.shape, 'version') ? undefined : 'is ordered by a field "version" that it lacks';
}

/** Whoever waits for a reply is not in the line; and a repeated message is known by the inbox alone. */
function sequenceProblem({ ways, idempotency }: Contract): string | undefined {
  if (ways.length !== 1 || ways[0] !== 'command') return 'is in sequence: its only way is command';
  return idempotency === 'inbox' ? undefined : 'is in sequence: its idempotency is inbox';
}

/** An event that other services or clients receive. */
export interface EventContract<Name extends string = string, Payload extends z.ZodType = z.ZodType> {
  /** `<service prefix>.<noun_past>`; also the routing key. */
  readonly name: Name;
  readonly version: number;
  readonly summary: string;
  readonly payload: Payload;
  /** The type that clients or game servers see, for events pushed to them: `match.found`. */
  readonly client?: string;
  /** Top-level payload fields that are secrets: never logged, never shown to an operator. */
  readonly secretFields: readonly string[];
}

export type PayloadOf<E extends EventContract> = z.output<E['payload']>;

export function defineEvent<const Name extends string, Payload extends z.ZodType>(
  input: Omit<EventContract<Name, Payload>, 'version' | 'secretFields'> & {
    readonly version?: number;
    readonly secretFields?: readonly string[];
  },
): EventContract<Name, Payload> {
  return Object.freeze({ version: 1, secretFields: [], ...input });
}
