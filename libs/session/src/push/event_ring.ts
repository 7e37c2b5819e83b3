import type { Recipient } from '@warren/contracts';
import { newId } from '@warren/kernel';
import type { RedisClient } from '@warren/redis';
import { ACK_RING, APPEND_TO_RING, KEEP_RING, LEAVE_RING, OPEN_RING, READ_RING } from './ring_scripts.ts';

/** Events kept for one recipient; a client that falls further behind is told of the gap. */
export const RING_MAX_EVENTS = 512;
/** A ring that nobody touches is forgotten after this. */
const RING_TTL_MS = 3_600_000;
/** A gateway that dies without a word stops owning its sockets after this. */
const PRESENCE_TTL_MS = 30_000;

export interface RingEvent {
  readonly seq: number;
  readonly type: string;
  /** The payload as JSON text, as it came. */
  readonly payload: string;
  /** Empty unless spans are exported. */
  readonly traceparent: string;
}

/** Which connection owns a recipient: its id, and the node queue of the gateway it is on. */
export interface Owner {
  readonly connectionId: string;
  readonly node: string;
}

export interface OpenedRing {
  /** Names this life of the ring: numbers of another life mean nothing here. */
  readonly session: string;
  /** Everything up to here was acknowledged or given up. */
  readonly acked: number;
  readonly lastSeq: number;
  /** The connection that this one replaces. */
  readonly previous: Owner | undefined;
}

export interface Appended {
  readonly seq: number;
  /** The message was here before: nothing was added. */
  readonly duplicate: boolean;
  readonly owner: Owner | undefined;
}

/**
 * What a connection learns when it renews its ownership. `replaced`: another connection owns the recipient. `lost`: Redis
 * forgot the ring and a new one began, so that the client has to begin anew.
 */
export type KeepResult =
  | { readonly kind: 'kept'; readonly lastSeq: number }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'lost' };

/**
 * The events of each recipient that are not acknowledged yet: a Redis stream whose entries are numbered without gaps. Each
 * method is one script, so that two gateways never disagree.
 */
export class EventRing {
  readonly #redis: RedisClient;

  constructor(deps: { readonly redis: RedisClient }) {
    this.#redis = deps.redis;
  }

  /** Adds an event once per message id. @throws AppError SERVICE_UNAVAILABLE, after which it is safe to try again */
  append(
    recipient: Recipient,
    event: Omit<RingEvent, 'seq' | 'traceparent'> & { readonly messageId: string; readonly traceparent?: string },
  ): Promise<Appended> {
    const keys = [metaKey(recipient), eventsKey(recipient), seenKey(recipient), presenceKey(recipient)];
    const { messageId, type, payload, traceparent = '' } = event;
    const args = [messageId, type, payload, newId(), RING_MAX_EVENTS, RING_TTL_MS, traceparent];
    return this.#redis.run(APPEND_TO_RING, keys, args);
  }

  /** Makes this connection the owner of the recipient. */
  open(recipient: Recipient, owner: Owner): Promise<OpenedRing> {
    const args = [newId(), ownerText(owner), PRESENCE_TTL_MS, RING_TTL_MS];
    return this.#redis.run(OPEN_RING, [metaKey(recipient), eventsKey(recipient), presenceKey(recipient)], args);
  }

  /** Events after `after`, oldest first. */
  read(recipient: Recipient, after: number, limit: number): Promise<readonly RingEvent[]> {
    return this.#redis.run(READ_RING, [eventsKey(recipient)], [`(${after}-0`, limit]);
  }

  /** Renews ownership and reports the newest number; restores the numbering where Redis lost it and nothing came since. */
  keep(
    recipient: Recipient,
    owner: Owner,
    known: { readonly session: string; readonly lastSeq: number },
  ): Promise<KeepResult> {
    const keys = [metaKey(recipient), eventsKey(recipient), presenceKey(recipient)];
    const args = [owner.connectionId, ownerText(owner), PRESENCE_TTL_MS, RING_TTL_MS, known.session, known.lastSeq];
    return this.#redis.run(KEEP_RING, keys, args);
  }

  /** Forgets events up to `seq`. */
  ack(recipient: Recipient, session: string, seq: number): Promise<void> {
    return this.#redis.run(ACK_RING, [metaKey(recipient), eventsKey(recipient)], [session, seq]);
  }

  /** Gives ownership up, unless another connection has it by now. */
  leave(recipient: Recipient, connectionId: string): Promise<void> {
    return this.#redis.run(LEAVE_RING, [presenceKey(recipient)], [connectionId]);
  }
}

// the braces keep the keys of one recipient on one node of a cluster
const metaKey = (recipient: Recipient): string => `ring:{${recipient}}:meta`;
const eventsKey = (recipient: Recipient): string => `ring:{${recipient}}:events`;
const seenKey = (recipient: Recipient): string => `ring:{${recipient}}:seen`;
const presenceKey = (recipient: Recipient): string => `presence:{${recipient}}`;

const ownerText = (owner: Owner): string => `${owner.connectionId}@${owner.node}`;
