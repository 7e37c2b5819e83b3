import type { Contract, EventContract, PayloadOf, Recipient } from '@warren/contracts';
import { currentContext, formatTraceparent, hash32, newId } from '@warren/kernel';
import { type Tx, tables } from '@warren/postgres';
import { EXCHANGE, HEADER, keyedKey, PUSH_PARTITIONS, pushKey } from '@warren/rabbit';
import type * as z from 'zod';
import type { Outbox } from '../command_handler.ts';
import { MESSAGE_ID } from '../message_id.ts';
import { keyOf, partitionOf } from '../ordering/order_key.ts';
import type { CommandCenterTables } from './command_center_tables.ts';

interface OutboxMessage {
  readonly exchange: string;
  readonly routing_key: string;
  readonly message_id: string;
  readonly type: string;
  readonly headers: string;
  readonly body: string;
}

interface Destined {
  readonly exchange: string;
  readonly key: string;
  readonly body: unknown;
  readonly messageId?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A transaction that wants to send more than this is a defect: it would hold the relay and the broker's memory. */
const MAX_MESSAGES = 1_000;
/** A row that no publisher takes would stay for ever. Larger things travel by reference. */
const MAX_BODY_BYTES = 256 * 1024;

/** Collects the messages of one transaction and writes them as rows right before its commit. */
export class OutboxWriter implements Outbox {
  readonly #messages: OutboxMessage[] = [];

  get size(): number {
    return this.#messages.length;
  }

  /** Forgets what was collected: the work that wanted it was refused. */
  clear(): void {
    this.#messages.length = 0;
  }

  emit<E extends EventContract>(event: E, payload: PayloadOf<E>): void {
    this.#add(event, { exchange: EXCHANGE.events, key: event.name, body: event.payload.parse(payload) });
  }

  push<E extends EventContract>(event: E, recipient: Recipient, payload: PayloadOf<E>): void {
    if (event.client === undefined) throw new TypeError(`${event.name} has no client type and cannot be pushed`);
    const key = pushKey(hash32(recipient) % PUSH_PARTITIONS);
    const body = { recipient, type: event.client, payload: event.payload.parse(payload) };
    this.#add(event, { exchange: EXCHANGE.push, key, body });
  }

  send<C extends Contract>(contract: C, dto: z.input<C['dto']>, messageId: string = newId()): void {
    if (!contract.ways.includes('command')) throw new TypeError(`${contract.name} cannot be sent as a command`);
    const body = contract.dto.parse(dto);
    const key = contract.order === 'sequence' ? keyOf(contract, body) : undefined;
    const route = key === undefined ? contract.name : keyedKey(contract.name, partitionOf(key));
    const headers = key === undefined ? {} : { [HEADER.key]: key };
    this.#add(contract, { exchange: EXCHANGE.commands, key: route, body, messageId, headers });
  }

  async flush(tx: Tx): Promise<void> {
    if (this.#messages.length === 0) return;
    await tables<CommandCenterTables>(tx).insertInto('outbox').values(this.#messages).execute();
  }

  #add(source: { name: string; version: number }, destined: Destined): void {
    const { exchange, key, body, messageId = newId(), headers = {} } = destined;
    if (this.#messages.length >= MAX_MESSAGES)
      throw new RangeError(`more than ${MAX_MESSAGES} messages in one transaction`);
    if (!MESSAGE_ID.test(messageId)) throw new RangeError('a message id has 1 to 200 visible ASCII characters');
    const text = JSON.stringify(body);
    if (Buffer.byteLength(text) > MAX_BODY_BYTES)
      throw new RangeError(`${source.name} has more than ${MAX_BODY_BYTES} bytes`);
    const trace = currentContext()?.trace;
    this.#messages.push({
      exchange,
      routing_key: key,
      message_id: messageId,
      type: `${source.name}@${source.version}`,
      headers: JSON.stringify(trace === undefined ? headers : { ...headers, traceparent: formatTraceparent(trace) }),
      body: text,
    });
  }
}
