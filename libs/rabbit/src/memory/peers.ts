import type { ConsumeMessage, Message } from 'amqplib';
import type { Method, Refusal } from './refusal.ts';

/** What the broker, or the network, tells a client. */
export interface ConnectionPeer {
  blocked(on: boolean): void;
  closed(refusal: Refusal): void;
  broken(): void;
}

/** What the broker tells a channel of a client. */
export interface ChannelPeer {
  delivered(message: ConsumeMessage): void;
  canceled(consumerTag: string): void;
  returned(message: Message): void;
  confirmed(tag: number, stored: boolean): void;
  closed(refusal: Refusal, method: Method): void;
}
