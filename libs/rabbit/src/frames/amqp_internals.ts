import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Connection, ConsumeMessage } from 'amqplib';
import type { FrameSink } from './frame_writer.ts';

/** What the fast frames use of amqplib's channel beyond its public types. */
export interface ChannelInternals {
  readonly ch: number;
  /** Replaced by a function that throws as soon as the channel closes. */
  readonly sendMessage: () => unknown;
  /** Replaced while the channel closes. */
  readonly accept: unknown;
  readonly consumers: ReadonlyMap<string, (message: ConsumeMessage) => void>;
  emit(event: 'drain'): unknown;
  closeWithError(id: number | undefined, reason: string, code: number, error: Error): void;
}

/** What a confirm channel has besides. */
export interface ConfirmInternals extends ChannelInternals {
  pushConfirmCallback(callback: unknown): void;
}

/** What the fast frames use of amqplib's connection beyond its public types. */
export interface ConnectionInternals {
  readonly stream: FrameSink & { read(): unknown };
  readonly frameMax: number;
  readonly maxFrameSize: number;
  readonly channels: readonly ({ readonly channel: object } | null | undefined)[];
  /** Replaced by a function that throws as soon as the connection closes. */
  readonly sendMessage: unknown;
  /** Replaced while the connection closes. */
  readonly accept: unknown;
  /** Bytes that were read and are not a whole frame yet. */
  rest: Buffer;
  sentSinceLastCheck: boolean;
  recvSinceLastCheck: boolean;
  recvFrame(): unknown;
}

/**
 * amqplib does not promise these fields, so they are looked at and never assumed: a version without them works as amqplib
 * does by itself, only slower.
 */
export function connectionInternals(connection: Connection): (Connection & ConnectionInternals) | undefined {
  return hasConnectionInternals(connection) ? connection : undefined;
}

function hasConnectionInternals(value: object): value is ConnectionInternals {
  return (
    value instanceof EventEmitter &&
    Reflect.get(value, 'stream') instanceof Socket &&
    Buffer.isBuffer(Reflect.get(value, 'rest')) &&
    Array.isArray(Reflect.get(value, 'channels')) &&
    hasNumbers(value, ['frameMax', 'maxFrameSize']) &&
    hasFunctions(value, ['recvFrame', 'accept', 'sendMessage']) &&
    'sentSinceLastCheck' in value &&
    'recvSinceLastCheck' in value
  );
}

export function channelInternals(channel: object): ChannelInternals | undefined {
  return hasChannelInternals(channel) ? channel : undefined;
}

function hasChannelInternals(value: object): value is ChannelInternals {
  return (
    hasNumbers(value, ['ch']) &&
    hasFunctions(value, ['sendMessage', 'accept', 'closeWithError', 'emit']) &&
    'consumers' in value &&
    value.consumers instanceof Map
  );
}

export const isConfirmChannel = (channel: ChannelInternals): channel is ConfirmInternals =>
  'waitForConfirms' in channel && hasFunctions(channel, ['pushConfirmCallback']);

function hasNumbers(value: object, names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(value, name) === 'number');
}

function hasFunctions(value: object, names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}
