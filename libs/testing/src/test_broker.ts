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
  /**
   * Makes it write down which log belongs to which quorum queue, as it otherwise does half a second late: killed before,
   * it comes back with an empty queue of that name.
   */
  writeDown: () => Promise<void>;
  /** Of its one vhost. */
  queues: () => Promise<QueueState[]>;
  consumers: () => Promise<ConsumerState[]>;
}

const VHOST = '/';

export function testBroker(server: PrivateRabbit): TestBroker {
  const { admin } = server;
  const erlang: TestBroker['erlang'] = async (expression) => {
    if (admin.kind !== 'rabbitmqctl') throw new Error('A private RabbitMQ is administered by its tool.');
    return unwrapAdminResult(await evalErlang(admin, expression));
  };
  return {
    ...server,
    erlang,
    writeDown: async () => void (await erlang('lists:foreach(fun dets:sync/1, dets:all()).')),
    queues: async () => unwrapAdminResult(await listQueues(admin, VHOST)),
    consumers: async () => unwrapAdminResult(await listConsumers(admin, VHOST)),
  };
}
