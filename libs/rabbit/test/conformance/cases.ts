import { CONSUMER_CASES } from './consumer_cases.ts';
import { DEAD_LETTER_CASES } from './dead_letter_cases.ts';
import { LINK_CASES } from './link_cases.ts';
import { PUBLISHER_CASES } from './publisher_cases.ts';
import { ROUTING_CASES } from './routing_cases.ts';
import { RPC_CASES } from './rpc_cases.ts';
import { TOPOLOGY_CASES } from './topology_cases.ts';

/** What every broker must do, whether it is RabbitMQ or its twin. */
export const CASES = {
  topology: TOPOLOGY_CASES,
  routing: ROUTING_CASES,
  'a publisher': PUBLISHER_CASES,
  'a consumer': CONSUMER_CASES,
  'dead letters': DEAD_LETTER_CASES,
  RPC: RPC_CASES,
  'a link': LINK_CASES,
} as const;
