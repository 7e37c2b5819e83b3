import type { Options, Replies } from 'amqplib';
import { queueSettings } from './queue_settings.ts';
import type { ServerChannel } from './server_channel.ts';

interface BindingFrame {
  readonly queue: string;
  readonly exchange: string;
  readonly pattern: string;
}

/** What channels say about exchanges, queues and bindings, with the rights that RabbitMQ asks for. Each throws a Refusal. */
export const declarations = {
  declareExchange(
    { connection }: ServerChannel,
    name: string,
    options: Options.AssertExchange & { type: string },
  ): void {
    const { vhost, rights } = connection;
    rights.check('configure', 'exchange', name);
    if (options.alternateExchange !== undefined) {
      rights.check('read', 'exchange', name);
      rights.check('write', 'exchange', options.alternateExchange);
    }
    vhost.exchanges.declare(name, options.type, options);
  },

  checkExchange({ connection }: ServerChannel, name: string): Replies.Empty {
    connection.vhost.exchanges.check(name);
    return {};
  },

  deleteExchange({ connection }: ServerChannel, name: string): Replies.Empty {
    connection.rights.check('configure', 'exchange', name);
    connection.vhost.exchanges.delete(name);
    return {};
  },

  declareQueue({ connection }: ServerChannel, name: string, options: Options.AssertQueue): Replies.AssertQueue {
    const { vhost, rights } = connection;
    rights.check('configure', 'queue', name);
    const { deadLetterExchange } = queueSettings(name, options, vhost.name);
    if (deadLetterExchange !== undefined) {
      rights.check('read', 'queue', name);
      rights.check('write', 'exchange', deadLetterExchange);
    }
    const queue = vhost.declareQueue(name, options, connection);
    return { queue: queue.settings.name, messageCount: queue.ready, consumerCount: queue.consumers };
  },

  checkQueue({ connection }: ServerChannel, name: string): Replies.AssertQueue {
    const queue = connection.vhost.queue(name, connection);
    return { queue: name, messageCount: queue.ready, consumerCount: queue.consumers };
  },

  /** Deleting what is not there is no mistake. */
  deleteQueue({ connection }: ServerChannel, name: string): Replies.DeleteQueue {
    const { vhost, rights } = connection;
    rights.check('configure', 'queue', name);
    const messageCount = vhost.queueNames.includes(name) ? vhost.queue(name, connection).ready : 0;
    vhost.deleteQueue(name);
    return { messageCount };
  },

  purgeQueue({ connection }: ServerChannel, name: string): Replies.PurgeQueue {
    connection.rights.check('read', 'queue', name);
    return { messageCount: connection.vhost.queue(name, connection).purge() };
  },

  bindQueue(channel: ServerChannel, binding: BindingFrame): Replies.Empty {
    const { exchanges } = checkBinding(channel, binding);
    exchanges.bind(binding.queue, binding.exchange, binding.pattern);
    return {};
  },

  unbindQueue(channel: ServerChannel, binding: BindingFrame): Replies.Empty {
    const { exchanges } = checkBinding(channel, binding);
    exchanges.unbind(binding.queue, binding.exchange, binding.pattern);
    return {};
  },
} as const;

function checkBinding({ connection }: ServerChannel, { queue, exchange, pattern }: BindingFrame) {
  const { vhost, rights } = connection;
  rights.check('write', 'queue', queue);
  vhost.queue(queue, connection);
  rights.check('read', 'exchange', exchange);
  vhost.exchanges.check(exchange);
  if (vhost.exchanges.typeOf(exchange) === 'topic') rights.checkTopic('read', exchange, pattern);
  return vhost;
}
