import { REQUEST } from './bench_contract.ts';
import { Countdown } from './countdown.ts';
import { MemoryDelivery } from './memory_delivery.ts';
import { serveSide } from './side.ts';

const countdown = new Countdown();
const body = Buffer.from(JSON.stringify(REQUEST));

async function handle(dto: unknown): Promise<void> {
  if (typeof dto === 'object') countdown.one();
}

/** What anybody's callback does: parse, call, ack. */
function receive(delivery: MemoryDelivery): void {
  const dto: unknown = JSON.parse(delivery.body.toString());
  void handle(dto).then(() => delivery.ack());
}

serveSide({
  run: async ({ messages = 0, inFlight }) => {
    const done = countdown.from(messages);
    for (let sent = 0; sent < messages; sent += inFlight) {
      for (let i = 0; i < inFlight; i++) receive(new MemoryDelivery(body));
      await new Promise(setImmediate);
    }
    await done;
    return { calls: messages, failures: 0, latencies: [] };
  },
  stop: async () => {},
});
