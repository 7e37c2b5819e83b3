import { AMQP_METHOD, type AmqpFrame, deliveryTagOf, type FaultProxy, settlementOf } from '@warren/testing';

/** A channel of a connection of the proxy. Channel numbers are used again. */
export interface Place {
  readonly connection: number;
  readonly channel: number;
}

interface Life {
  /** Message ids by delivery tag, not settled yet. */
  readonly open: Map<number, string>;
  /** Tag whose body is still to come. */
  awaitingBody: number | undefined;
}

const keyOf = ({ connection, channel }: Place): string => `${connection}/${channel}`;

/** Watches the frames of consumers: every settlement must belong to a delivery of the same channel whose work is done. */
export class SettlementLedger {
  readonly violations: string[] = [];
  deliveries = 0;
  /** Where the last consumer was set up; undefined once that channel is gone. */
  consumer: Place | undefined;
  readonly #isDone: (id: string) => boolean;
  readonly #lives = new Map<string, Life>();
  readonly #closing = new Set<string>();

  /** `isDone` says whether the handler of a message, whose body is its id, has finished at least once. */
  constructor(isDone: (id: string) => boolean) {
    this.#isDone = isDone;
  }

  watch(proxy: FaultProxy): void {
    proxy.onFrame('to_server', (frame, connection) => this.#sent(frame, { connection, channel: frame.channel }));
    proxy.onFrame('to_client', (frame, connection) => this.#received(frame, { connection, channel: frame.channel }));
  }

  /** The test cuts the connection. */
  expectCut(): void {
    this.consumer = undefined;
  }

  /** The test makes the broker close this channel. False when that is under way already. */
  expectClose(place: Place): boolean {
    if (this.#closing.has(keyOf(place))) return false;
    this.#closing.add(keyOf(place));
    this.consumer = undefined;
    return true;
  }

  #sent(frame: AmqpFrame, place: Place): undefined {
    if (frame.method === AMQP_METHOD.channelOpen) {
      this.#lives.set(keyOf(place), { open: new Map(), awaitingBody: undefined });
      this.#closing.delete(keyOf(place));
    }
    if (frame.method === AMQP_METHOD.basicConsume) this.consumer = place;
    const settlement = settlementOf(frame);
    if (settlement !== undefined) this.#settled(place, settlement.deliveryTag, settlement.multiple);
  }

  #received(frame: AmqpFrame, place: Place): undefined {
    const life = this.#lives.get(keyOf(place));
    if (life === undefined) return;
    if (frame.method === AMQP_METHOD.basicDeliver) life.awaitingBody = deliveryTagOf(frame);
    if (frame.kind === 'body' && life.awaitingBody !== undefined) {
      life.open.set(life.awaitingBody, frame.bytes.subarray(7, -1).toString());
      life.awaitingBody = undefined;
      this.deliveries++;
    }
    if (frame.method === AMQP_METHOD.channelClose && !this.#closing.has(keyOf(place)))
      this.violations.push(`the broker closed ${keyOf(place)}: ${frame.bytes.subarray(13, -1).toString()}`);
  }

  #settled(place: Place, tag: number, multiple: boolean): void {
    const life = this.#lives.get(keyOf(place));
    if (life?.open.has(tag) !== true) {
      this.violations.push(`tag ${tag} was settled on ${keyOf(place)}, which does not owe it`);
      return;
    }
    for (const [open, id] of life.open) {
      if (open !== tag && !(multiple && open < tag)) continue;
      if (!this.#isDone(id)) this.violations.push(`message ${id} was settled before its work was done`);
      life.open.delete(open);
    }
  }
}
