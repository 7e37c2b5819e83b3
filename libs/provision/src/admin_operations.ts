import { z } from 'zod';
import type { BrokerDefinitions } from './broker_definitions.ts';
import type { ExportedDefinitions } from './exported_definitions.ts';

/** How to administer one RabbitMQ: by its command line tool, or by the management API (credentials in the URL). */
export const BrokerAdmin = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('rabbitmqctl'),
    command: z.array(z.string().min(1)).min(1),
    env: z.record(z.string(), z.string()),
  }),
  z.strictObject({ kind: z.literal('http'), url: z.url({ protocol: /^https?$/ }) }),
]);
export type BrokerAdmin = z.infer<typeof BrokerAdmin>;
export type CtlAdmin = Extract<BrokerAdmin, { kind: 'rabbitmqctl' }>;
export type HttpAdmin = Extract<BrokerAdmin, { kind: 'http' }>;

/**
 * `not_permitted`: no rights. `missing`: no such program. `unreachable`: nobody answers. `failed`: the broker
 * refused the content.
 */
export type AdminFailure = 'not_permitted' | 'missing' | 'unreachable' | 'failed';
export type AdminResult<T> = { ok: true; value: T } | { ok: false; reason: AdminFailure; message: string };

export interface QueueState {
  name: string;
  type: string;
  messages: number;
  consumers: number;
}

export interface ConsumerState {
  queue: string;
  prefetch: number;
  /** False for consumers that never ack. */
  acks: boolean;
}

/** What both ways of administration can do; every call is one round trip however many names it carries. */
export interface AdminOperations {
  exportDefinitions: () => Promise<AdminResult<ExportedDefinitions>>;
  importDefinitions: (definitions: BrokerDefinitions) => Promise<AdminResult<void>>;
  deleteVhosts: (names: readonly string[]) => Promise<AdminResult<void>>;
  deleteUsers: (names: readonly string[]) => Promise<AdminResult<void>>;
  listVhosts: () => Promise<AdminResult<string[]>>;
  listUsers: () => Promise<AdminResult<string[]>>;
  listQueues: (vhost: string) => Promise<AdminResult<QueueState[]>>;
  listConsumers: (vhost: string) => Promise<AdminResult<ConsumerState[]>>;
}
