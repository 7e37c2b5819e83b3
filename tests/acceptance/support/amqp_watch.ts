import { AMQP_METHOD, type AmqpFrame, closeReasonOf, type FaultProxy, isRedelivered } from '@warren/testing';

/** Reads what the broker says to all services, on the wire before them: independent of what they count themselves. */
export class AmqpWatch {
  /** Reasons of channels that the broker closed. */
  readonly channelCloses: string[] = [];
  #delivered = 0;
  #redelivered = 0;

  constructor(proxy: FaultProxy) {
    proxy.onFrame('to_client', (frame) => {
      this.#read(frame);
      return undefined;
    });
  }

  get delivered(): number {
    return this.#delivered;
  }

  /** Deliveries that the broker marked as given out before. */
  get redelivered(): number {
    return this.#redelivered;
  }

  #read(frame: AmqpFrame): void {
    if (frame.method === AMQP_METHOD.basicDeliver) {
      this.#delivered++;
      if (isRedelivered(frame)) this.#redelivered++;
    }
    if (frame.method === AMQP_METHOD.channelClose) this.channelCloses.push(closeReasonOf(frame));
  }
}
