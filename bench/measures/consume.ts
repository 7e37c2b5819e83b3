import type { Row } from '../support/contest.ts';
import type { Measure, OpenMeasure } from '../support/measure.ts';
import { SideProcess, type WindowOrder } from '../support/side.ts';
import { Contestant } from '../support/window.ts';
import { RAW_QUEUE, WARREN_QUEUE, WorkQueues } from '../support/work_queues.ts';

const ORDERS: readonly { readonly label: string; readonly order: WindowOrder & { readonly messages: number } }[] = [
  { label: 'handlers that end at once', order: { inFlight: 256, messages: 12_000 } },
  { label: 'handlers of 0 to 20 ms', order: { inFlight: 256, messages: 6_000, handlerMs: 20 } },
];

/** Consume and ack, 256 at a time. */
export const consume: Measure = {
  name: 'consume',
  title: 'Consume and ack',
  about:
    'A filled durable quorum queue is worked off, 256 messages at a time. Raw: amqplib, JSON.parse, an ack per message. Warren: a listener with ' +
    'MAX_CONCURRENT_TASKS 256: sender, schema, deadline, trace and log context, timeout, counters, one settlement.',
  unit: 'message',
  open,
};

async function open(): Promise<OpenMeasure> {
  const queues = await WorkQueues.open();
  const raw = await SideProcess.start('raw_consumer.ts', queues.url, RAW_QUEUE);
  const warren = await SideProcess.start('warren_consumer.ts', queues.url);
  const rows = ORDERS.map(
    ({ label, order }): Row => ({
      label,
      parts: ['consumer us'],
      raw: new Contestant([raw], order, () => queues.fill(RAW_QUEUE, order.messages)),
      warren: new Contestant([warren], order, () => queues.fill(WARREN_QUEUE, order.messages)),
    }),
  );
  const close = async (): Promise<void> => {
    await Promise.all([raw.stop(), warren.stop()]);
    await queues.close();
  };
  return { rows, close };
}
