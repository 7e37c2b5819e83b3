import { connect } from 'amqplib';
import { REPLY } from './bench_contract.ts';
import { serveSide } from './side.ts';

const PREFETCH = 256;

const [url = '', queue = ''] = process.argv.slice(2);
const connection = await connect(url, { noDelay: true });
const channel = await connection.createChannel();
await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'classic' } });
await channel.prefetch(PREFETCH);
await channel.consume(queue, (message) => {
  if (message === null) return;
  const request: unknown = JSON.parse(message.content.toString());
  const body = Buffer.from(JSON.stringify(typeof request === 'object' ? REPLY : { success: false }));
  channel.sendToQueue(String(message.properties.replyTo), body, {
    correlationId: String(message.properties.correlationId),
  });
  channel.ack(message);
});

serveSide({ stop: () => connection.close() });
