import { connect } from 'amqplib';
import { REQUEST } from './bench_contract.ts';
import { measureCalls, serveSide } from './side.ts';

const [url = '', queue = ''] = process.argv.slice(2);
const connection = await connect(url, { noDelay: true });
const channel = await connection.createChannel();
const reply = await channel.assertQueue('', { exclusive: true, autoDelete: true });
const waiting = new Map<string, (reply: unknown) => void>();
let counter = 0;

await channel.consume(
  reply.queue,
  (message) => {
    if (message === null) return;
    const id = String(message.properties.correlationId);
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve?.(JSON.parse(message.content.toString()));
  },
  { noAck: true },
);

async function call(): Promise<boolean> {
  const answer = await new Promise<unknown>((resolve) => {
    const correlationId = String(++counter);
    waiting.set(correlationId, resolve);
    channel.sendToQueue(queue, Buffer.from(JSON.stringify(REQUEST)), { correlationId, replyTo: reply.queue });
  });
  return typeof answer === 'object' && answer !== null && 'success' in answer;
}

serveSide({ run: (order) => measureCalls(call, order), stop: () => connection.close() });
