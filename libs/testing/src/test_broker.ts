import {
  type ConsumerState,
  evalErlang,
  listConsumers,
  listQueues,
  type PrivateRabbit,
  type QueueState,
  unwrapAdminResult,
} from '@warren/provision';

/** A private RabbitMQ, and what tests ask of one. Each of these takes about a second. */
export interface TestBroker extends PrivateRabbit {
  /** Runs an Erlang expression in the broker and returns what it printed. No `$`, backtick or backslash in it. */
  erlang: (expression: string) => Promise<string>;
  /** Of its one vhost. */
  queues: () => Promise<QueueState[]>;
  consumers: () => Promise<ConsumerState[]>;
}

const VHOST = '/';

export function testBroker(server: PrivateRabbit): TestBroker {
  const { admin } = server;
  return {
    ...server,
    erlang: async (expression) => {
      if (admin.kind !== 'rabbitmqctl') throw new Error('A private RabbitMQ is administered by its tool.');
      return unwrapAdminResult(await evalErlang(admin, expression));
    },
    queues: async () => unwrapAdminResult(await listQueues(admin, VHOST)),
    consumers: async () => unwrapAdminResult(await listConsumers(admin, VHOST)),
  };
}
