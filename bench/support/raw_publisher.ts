import { connect } from 'amqplib';
import { REQUEST } from './bench_contract.ts';
import { measureCalls, serveSide } from './side.ts';

const [url = '', queue = ''] = process.argv.slice(2);
const connection = await connect(url, { noDelay: true });
const channel = await connection.createConfirmChannel();

const call = (): Promise<boolean> =>
  new Promise((resolve) => {
    const body = Buffer.from(JSON.stringify(REQUEST));
    channel.sendToQueue(queue, body, { persistent: true, mandatory: true }, (error: unknown) =>
      resolve(error === null),
    );
  });

serveSide({ run: (order) => measureCalls(call, order), stop: () => connection.close() });
