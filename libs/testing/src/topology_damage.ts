import amqp from 'amqplib';

type Channel = Awaited<ReturnType<amqp.ChannelModel['createChannel']>>;

async function damage(url: string, deed: (channel: Channel) => Promise<unknown>): Promise<void> {
  const connection = await amqp.connect(url);
  // what is refused rejects the deed; without a listener it would end the process as well
  connection.on('error', () => undefined);
  try {
    await deed(await connection.createChannel());
  } finally {
    await connection.close();
  }
}

interface Binding {
  readonly exchange: string;
  readonly pattern: string;
}

/** What an operator does by mistake. */
export const unbindQueue = (url: string, queue: string, { exchange, pattern }: Binding): Promise<void> =>
  damage(url, (channel) => channel.unbindQueue(queue, exchange, pattern));

/** Takes it back. */
export const bindQueue = (url: string, queue: string, { exchange, pattern }: Binding): Promise<void> =>
  damage(url, (channel) => channel.bindQueue(queue, exchange, pattern));

export const deleteQueue = (url: string, queue: string): Promise<void> =>
  damage(url, (channel) => channel.deleteQueue(queue));

export const deleteExchange = (url: string, exchange: string): Promise<void> =>
  damage(url, (channel) => channel.deleteExchange(exchange));
