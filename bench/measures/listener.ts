import type { Row } from '../support/contest.ts';
import type { Measure, OpenMeasure } from '../support/measure.ts';
import { SideProcess } from '../support/side.ts';
import { Contestant } from '../support/window.ts';

/** A multiple of what is delivered at once. */
const ORDER = { inFlight: 200, messages: 60_000 };

/** What a listener costs without a broker. */
export const listener: Measure = {
  name: 'listener',
  title: 'A listener without a broker',
  about:
    'Messages come out of memory, 200 at a time. Raw: a callback that parses JSON, awaits a handler and acks. Warren: the whole listener: sender, schema, ' +
    'deadline, trace and log context, timeout, counters, one settlement. The difference is what a message pays for all of it.',
  unit: 'message',
  open,
};

async function open(): Promise<OpenMeasure> {
  const raw = await SideProcess.start('raw_loop.ts');
  const warren = await SideProcess.start('warren_loop.ts');
  const row: Row = {
    label: 'one message',
    parts: ['process us'],
    raw: new Contestant([raw], ORDER),
    warren: new Contestant([warren], ORDER),
  };
  return { rows: [row], close: async () => void (await Promise.all([raw.stop(), warren.stop()])) };
}
