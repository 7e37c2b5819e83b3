import type { Delivery } from '@warren/rabbit';
import { BENCH_WORK, WORK_PROPERTIES } from './bench_contract.ts';

/** A message that comes from nowhere and whose settlement is only counted. */
export class MemoryDelivery implements Delivery {
  readonly body: Buffer;
  readonly key = BENCH_WORK.name;
  readonly exchange = 'warren.commands';
  readonly redelivered = false;
  readonly properties = PROPERTIES;
  readonly lost = false;
  settled = false;

  constructor(body: Buffer) {
    this.body = body;
  }

  ack(): void {
    this.settled = true;
  }

  requeue(): void {
    throw new Error('the listener gave a message back');
  }

  nack(): void {
    throw new Error('the listener gave a message back');
  }
}

const PROPERTIES: Delivery['properties'] = {
  ...WORK_PROPERTIES,
  correlationId: undefined,
  replyTo: undefined,
  userId: undefined,
  expiration: undefined,
  timestamp: undefined,
};
