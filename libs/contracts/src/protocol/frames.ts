import * as z from 'zod';

/** WebSocket subprotocol of `/v1/ws` and `/v1/servers/ws`. */
export const SUBPROTOCOL = 'warren.v1';
export const MAX_FRAME_BYTES = 16 * 1024;
export const MAX_FRAGMENTS = 16;

/** Close codes of `/v1/ws`. */
export const CLOSE_CODES = {
  expired: 4401,
  forbidden: 4403,
  slow: 4408,
  replaced: 4409,
  tooBig: 4413,
  rate: 4429,
  invalid: 4400,
  restart: 1012,
} as const;

const RequestId = z.string().min(1).max(64);
const MessageType = z.string().min(1).max(64);

/** First frame of a connection that has no Authorization header. */
export const AuthFrame = z.strictObject({ auth: z.strictObject({ ticket: z.string().min(20).max(256) }) });

export const RequestFrame = z.strictObject({
  id: RequestId,
  type: MessageType,
  payload: z.record(z.string(), z.unknown()).default({}),
  /** Needed where the message changes something: the same key is applied once. 8 … 128 characters. */
  key: z.string().min(8).max(128).optional(),
  /** How long the caller waits, milliseconds; at most the contract's own deadline. */
  deadlineMs: z.int().min(1).max(60_000).optional(),
});
export type RequestFrame = z.output<typeof RequestFrame>;

/** Everything up to this event arrived; the gateway forgets it. */
export const AckFrame = z.strictObject({ ack: z.int().min(0) });

/** Asks for the events after lastSeq. `session` is the id from the welcome frame of the connection that was lost. */
export const ResumeFrame = z.strictObject({
  resume: z.strictObject({ session: z.string().min(1).max(64), lastSeq: z.int().min(0) }),
});

export const ErrorBody = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  retryAfterSeconds: z.int().optional(),
  traceId: z.string().optional(),
});
export type ErrorBody = z.output<typeof ErrorBody>;

export const WelcomeFrame = z.object({
  welcome: z.object({ session: z.string(), lastSeq: z.int(), heartbeatMs: z.int() }),
});
const ReplyFrame = z.union([
  z.object({ id: z.string(), ok: z.literal(true), payload: z.unknown() }),
  z.object({ id: z.string(), ok: z.literal(false), error: ErrorBody }),
]);
const EventFrame = z.object({ seq: z.int(), type: z.string(), payload: z.unknown() });
/** Events between lastSeq and firstSeq are gone: read the state again over HTTP. */
export const GapFrame = z.object({ gap: z.object({ lastSeq: z.int(), firstSeq: z.int() }) });
export const ResumedFrame = z.object({ resumed: z.object({ lastSeq: z.int(), replayed: z.int() }) });
/** A frame that could not be understood, so that it has no id to answer to. */
const FaultFrame = z.object({ error: ErrorBody });
/** The gateway restarts: reconnect after this many milliseconds. Sent before close code 1012. */
export const GoodbyeFrame = z.object({ goodbye: z.object({ reconnectAfterMs: z.int() }) });

export const ServerFrame = z.union([
  ReplyFrame,
  EventFrame,
  WelcomeFrame,
  GapFrame,
  ResumedFrame,
  GoodbyeFrame,
  FaultFrame,
]);
export type ServerFrame = z.output<typeof ServerFrame>;

/** RFC 9457. `type` is `urn:warren:error:<code>`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  retryable: z.boolean(),
  traceId: z.string(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.output<typeof Problem>;

/** Reply of POST /v1/ws-tickets. */
export const WsTicketReply = z.object({ ticket: z.string(), expires_in: z.int() });
export type WsTicketReply = z.output<typeof WsTicketReply>;

/** Who an event is for: a player or a game server. */
export const Recipient = z.templateLiteral([z.enum(['player', 'server']), ':', z.string().min(1).max(64)]);
export type Recipient = z.output<typeof Recipient>;

/** Body of a message on `warren.push`: one must-deliver event for one recipient. */
export const PushMessage = z.object({ recipient: Recipient, type: z.string(), payload: z.unknown() });
export type PushMessage = z.output<typeof PushMessage>;
