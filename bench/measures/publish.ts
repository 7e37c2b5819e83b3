import type { Row } from '../support/contest.ts';
import type { Measure, OpenMeasure } from '../support/measure.ts';
import { SideProcess } from '../support/side.ts';
import { Contestant } from '../support/window.ts';
import { RAW_QUEUE, WARREN_QUEUE, WorkQueues } from '../support/work_queues.ts';

const WINDOW_MS = 550;
const IN_FLIGHT = [1, 100];

/** Publish with confirms into a durable quorum queue. */
export const publish: Measure = {
  name: 'publish',
  title: 'Publish with confirms',
  about:
    'Persistent, mandatory messages into a durable quorum queue. Raw: a confirm channel of amqplib, body alone. Warren: ConfirmedPublisher: checked ' +
    'message, bounded window, deadline, user, type, trace header, topic exchange, outcome per message.',
  unit: 'message',
  open,
};

async function open(): Promise<OpenMeasure> {
  const queues = await WorkQueues.open();
  // its start declares the queue of the service
  const consumer = await SideProcess.start('warren_consumer.ts', queues.url);
  const raw = await SideProcess.start('raw_publisher.ts', queues.url, RAW_QUEUE);
  const warren = await SideProcess.start('warren_publisher.ts', queues.url);
  const rows = IN_FLIGHT.map((inFlight): Row => {
    const order = { inFlight, ms: WINDOW_MS };
    return {
      label: `${inFlight} in flight`,
      parts: ['publisher us'],
      raw: new Contestant([raw], order, () => queues.empty(RAW_QUEUE)),
      warren: new Contestant([warren], order, () => queues.empty(WARREN_QUEUE)),
    };
  });
  const close = async (): Promise<void> => {
    await Promise.all([raw.stop(), warren.stop(), consumer.stop()]);
    await queues.close();
  };
  return { rows, close };
}
