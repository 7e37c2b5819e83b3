import { z } from 'zod';
import { Slot } from './game_event.ts';
import { InputFrame, LAST_TICK } from './input_frame.ts';
import { REFUSAL_CODES } from './input_gate.ts';
import { MAX_TICKS, MIN_TICKS } from './rules.ts';
import { GardenMap, SnapshotFrame } from './snapshot.ts';

/** The WebSocket subprotocol of this game. */
export const GAME_PROTOCOL = 'carrot-rush.v1';

/** Longer client messages are refused unread (UTF-16 units; a join ticket is below 2,048). */
export const MAX_CLIENT_MESSAGE_LENGTH = 4096;

/** The first message of a client: the single-use ticket it got with `match.found`. */
const JoinMessage = z.strictObject({ type: z.literal('join'), ticket: z.string().min(1).max(2048) });
type JoinMessage = z.infer<typeof JoinMessage>;

const InputMessage = InputFrame.extend({ type: z.literal('input') });
type InputMessage = z.infer<typeof InputMessage>;

/** What a client may send. */
const ClientMessage = z.discriminatedUnion('type', [JoinMessage, InputMessage]);
type ClientMessage = z.infer<typeof ClientMessage>;

/** Why the server refused a message; the first group may follow any message, the input codes only an input. */
const MESSAGE_REFUSAL_CODES = [
  'MESSAGE_TOO_BIG',
  'MESSAGE_NOT_JSON',
  'MESSAGE_ILLEGAL',
  'JOIN_REQUIRED',
  'JOIN_REFUSED',
  'JOIN_TWICE',
  ...REFUSAL_CODES,
] as const;
type MessageRefusalCode = (typeof MESSAGE_REFUSAL_CODES)[number];

/** The answer to a join that was accepted; the same again after a reconnect. */
export const WelcomeMessage = z.object({
  type: z.literal('welcome'),
  slot: Slot,
  tick_ms: z.int().min(1),
  ticks: z.int().min(MIN_TICKS).max(MAX_TICKS),
  /** How far ahead of `next_tick` an input may be. */
  max_lead_ticks: z.int().min(0),
  map: GardenMap,
});
export type WelcomeMessage = z.infer<typeof WelcomeMessage>;

/** A refused message; for an input with its tick and the next tick that can still be played. */
const RefusedMessage = z.object({
  type: z.literal('refused'),
  code: z.enum(MESSAGE_REFUSAL_CODES),
  tick: z.int().min(0).max(LAST_TICK).optional(),
  next_tick: z.int().min(0).optional(),
});
type RefusedMessage = z.infer<typeof RefusedMessage>;

/** The end: `hash` is the state hash to which the input log replays. */
export const OverMessage = z.object({
  type: z.literal('over'),
  winner: Slot,
  scores: z.tuple([z.int().min(0), z.int().min(0)]),
  reason: z.enum(['score', 'overtime', 'last_carrot', 'coin']),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type OverMessage = z.infer<typeof OverMessage>;

/** What the server may send. */
export const ServerMessage = z.discriminatedUnion('type', [WelcomeMessage, SnapshotFrame, RefusedMessage, OverMessage]);
export type ServerMessage = z.infer<typeof ServerMessage>;

export type ParsedClientMessage = { ok: true; message: ClientMessage } | { ok: false; code: MessageRefusalCode };

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

const AnyInput = z.object({ type: z.literal('input') });

/** Reads an untrusted text frame of a client; never throws. */
export function parseClientMessage(text: string): ParsedClientMessage {
  if (text.length > MAX_CLIENT_MESSAGE_LENGTH) return { ok: false, code: 'MESSAGE_TOO_BIG' };
  const json = parseJson(text);
  if (json === undefined) return { ok: false, code: 'MESSAGE_NOT_JSON' };
  const parsed = ClientMessage.safeParse(json.value);
  if (parsed.success) return { ok: true, message: parsed.data };
  return { ok: false, code: AnyInput.safeParse(json.value).success ? 'INPUT_ILLEGAL' : 'MESSAGE_ILLEGAL' };
}
