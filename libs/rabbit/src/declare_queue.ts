import type { BrokerChannel } from './broker_port.ts';
import { channelError } from './rabbit_errors.ts';
import type { QueueSpec } from './topology.ts';

/**
 * Declares a queue with its bindings. Every failure closes the channel.
 * @throws AppError BROKER_TOPOLOGY_DRIFT when the broker's queue has other arguments, BROKER_TOPOLOGY_MISSING when an
 * exchange is absent, BROKER_ACCESS_REFUSED
 */
export async function declareQueue(channel: BrokerChannel, queue: QueueSpec): Promise<void> {
  try {
    await channel.assertQueue(queue.name, {
      durable: queue.durable,
      exclusive: queue.exclusive,
      autoDelete: queue.autoDelete,
      arguments: queue.arguments,
    });
    for (const binding of queue.bindings) await channel.bindQueue(queue.name, binding.exchange, binding.pattern);
  } catch (cause) {
    throw channelError(cause, `queue ${queue.name}`);
  }
}
