import { silentLogger } from '@warren/kernel';
import { type Delivery, deadQueue, QueueConsumer, queuesOf, RabbitLink, serviceSpec } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type { DeadLetter } from './final_state.ts';

const READY_TIMEOUT_MS = 30_000;
const PREFETCH = 100;
const POLL_MS = 50;
const READ_TIMEOUT_MS = 30_000;

/** Takes `expected` messages out of the dead letters of a service. */
export async function readDeadLetters(url: string, service: string, expected: number): Promise<DeadLetter[]> {
  const queue = queuesOf(serviceSpec(service)).find(({ name }) => name === deadQueue(service));
  if (queue === undefined) throw new Error(`${service} has no dead letters`);
  const [logger, metrics] = [silentLogger(), new Metrics('faultlab')];
  const link = new RabbitLink({ url, role: 'consume', name: 'faultlab.dead', logger, metrics });
  link.start();
  await link.ready(READY_TIMEOUT_MS);
  const letters: DeadLetter[] = [];
  const onDelivery = (delivery: Delivery): void => {
    letters.push(letterOf(delivery));
    delivery.ack();
  };
  const consumer = new QueueConsumer({ link, queue, prefetch: PREFETCH, declare: false, onDelivery, logger, metrics });
  await consumer.start();
  const end = performance.now() + READ_TIMEOUT_MS;
  while (letters.length < expected && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  await consumer.close();
  await link.stop();
  return letters;
}

function letterOf({ properties }: Delivery): DeadLetter {
  const reason = properties.headers?.['warren-reason'];
  return {
    messageId: properties.messageId ?? '',
    reason: typeof reason === 'string' ? reason : 'parked by the broker',
  };
}
