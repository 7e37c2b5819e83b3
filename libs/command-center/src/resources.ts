import { type Clock, type Logger, type Rng, token } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import type { ConfirmedPublisher, RpcClient } from '@warren/rabbit';
import type { RedisClient } from '@warren/redis';
import type { Metrics } from '@warren/telemetry';
import type { OutboxRelay } from './outbox/outbox_relay.ts';
import type { UnitOfWork } from './outbox/unit_of_work.ts';

/** What createServiceApp puts into every container; domain containers build their classes from these. */
export const RESOURCE = {
  logger: token<Logger>('resource.logger'),
  metrics: token<Metrics>('resource.metrics'),
  clock: token<Clock>('resource.clock'),
  rng: token<Rng>('resource.rng'),
  /** Unique per process: `<host>-<pid>-<random>`. */
  instance: token<string>('resource.instance'),
  rpc: token<RpcClient>('resource.rpc'),
  publisher: token<ConfirmedPublisher>('resource.publisher'),
  /** Only with needs.postgres. */
  database: token<Database>('resource.database'),
  outboxRelay: token<OutboxRelay>('resource.outbox_relay'),
  unitOfWork: token<UnitOfWork>('resource.unit_of_work'),
  /** 32 bytes: fingerprints of requests in the inbox are HMACs under it. */
  idempotencyKey: token<Buffer>('resource.idempotency_key'),
  /** Only with needs.redis. */
  redis: token<RedisClient>('resource.redis'),
} as const;
