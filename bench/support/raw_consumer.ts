import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Countdown } from './countdown.ts';
import { serveSide } from './side.ts';

const PREFETCH = 256;

const [url = '', queue = ''] = process.argv.slice(2);
const connection = await connect(url, { noDelay: true });
const channel = await connection.createChannel();
await channel.prefetch(PREFETCH);
const countdown = new Countdown();

async function handle(dto: unknown, handlerMs: number): Promise<void> {
  if (handlerMs > 0) await sleep(Math.random() * handlerMs);
  if (typeof dto === 'object') countdown.one();
}

serveSide({
  run: async ({ messages = 0, handlerMs = 0 }) => {
    const done = countdown.from(messages);
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) return;
      const dto: unknown = JSON.parse(message.content.toString());
      void handle(dto, handlerMs).then(() => channel.ack(message));
    });
    await done;
    await channel.cancel(consumerTag);
    return { calls: messages, failures: 0, latencies: [] };
  },
  stop: () => connection.close(),
});
