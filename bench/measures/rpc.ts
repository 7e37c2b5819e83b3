import { declareExchanges } from '@warren/rabbit';
import { tempVhost } from '@warren/testing';
import type { Row } from '../support/contest.ts';
import type { Measure, OpenMeasure } from '../support/measure.ts';
import { SideProcess } from '../support/side.ts';
import { Contestant } from '../support/window.ts';

const WINDOW_MS = 550;
const IN_FLIGHT = [1, 32, 256];
const RAW_QUEUE = 'bench.raw';

/** RPC through Warren's libraries beside the bare amqplib. Each side has a caller and a responder process of its own. */
export const rpc: Measure = {
  name: 'rpc',
  title: 'RPC',
  about:
    'One call there and back. Raw: amqplib with noDelay, a durable classic queue, manual ack, an exclusive reply queue without ack, JSON on both sides. ' +
    'Warren: the same body through contract validation on both sides, deadline, trace, broker-checked users, topic exchanges, and counters.',
  unit: 'call',
  open,
};

async function open(): Promise<OpenMeasure> {
  const vhost = await tempVhost();
  await declareExchanges(vhost.url);
  const rawResponder = await SideProcess.start('raw_responder.ts', vhost.url, RAW_QUEUE);
  const responder = await SideProcess.start('warren_responder.ts', vhost.url);
  const rawCaller = await SideProcess.start('raw_caller.ts', vhost.url, RAW_QUEUE);
  const caller = await SideProcess.start('warren_caller.ts', vhost.url);
  const rows = IN_FLIGHT.map((inFlight): Row => {
    const order = { inFlight, ms: WINDOW_MS };
    return {
      label: `${inFlight} in flight`,
      parts: ['caller us', 'responder us'],
      raw: new Contestant([rawCaller, rawResponder], order),
      warren: new Contestant([caller, responder], order),
    };
  });
  const close = async (): Promise<void> => {
    await Promise.all([rawCaller.stop(), caller.stop()]);
    await Promise.all([rawResponder.stop(), responder.stop()]);
    await vhost.drop();
  };
  return { rows, close };
}
