import type { AmqpFrame } from './amqp_frames.ts';

export type Direction = 'to_server' | 'to_client';

/** What happens to bytes: handed on, held back (the sender meets back-pressure), or swallowed as by a dead network. */
export type Flow = 'pass' | 'stall' | 'drop';

/**
 * Decides at a frame: cut the connection before it is handed on, after it, or not. `connection` counts the connections of
 * the proxy: 1, 2, 3 …
 */
export type FrameHook = (frame: AmqpFrame, connection: number) => 'cut_before' | 'cut_after' | undefined;

/** How one direction of every connection behaves now. */
export interface DirectionFaults {
  flow: Flow;
  delayMs: number;
  /** Up to this much more, drawn anew for every chunk; bytes of one connection never overtake each other. */
  jitterMs: number;
  bytesPerSecond: number | undefined;
  /** The first bytes of every chunk leave one by one. */
  trickle: boolean;
  /** Bytes that may still pass before the connection is cut. */
  bytesLeft: number | undefined;
  onFrame: FrameHook | undefined;
  onBytes: ((chunk: Buffer) => void) | undefined;
  bytes: number;
}

export function noFaults(): DirectionFaults {
  return { ...HEALTHY, onFrame: undefined, onBytes: undefined, bytes: 0 };
}

/** Everything that a heal takes back. */
export const HEALTHY = {
  flow: 'pass',
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: undefined,
  trickle: false,
  bytesLeft: undefined,
} as const satisfies Partial<DirectionFaults>;
