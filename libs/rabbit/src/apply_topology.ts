import { withTimeout } from '@warren/kernel';
import type { BrokerChannel, Connect } from './broker_port.ts';
import { declareQueue } from './declare_queue.ts';
import { openConnection } from './link_connection.ts';
import type { LinkSession } from './link_session.ts';
import { channelError, raise } from './rabbit_errors.ts';
import type { RabbitLink } from './rabbit_link.ts';
import { EXCHANGES, queuesOf, serviceSpec, UNROUTABLE_QUEUE } from './topology.ts';

const APPLY_TIMEOUT_MS = 30_000;
const SETUP_HEARTBEAT_SECONDS = 10;

/**
 * Declares and binds the queues of one service, after checking that the set-up has been there.
 * @throws AppError BROKER_TOPOLOGY_MISSING (run the set-up), BROKER_TOPOLOGY_DRIFT (names the queue and the argument),
 * BROKER_ACCESS_REFUSED, SERVICE_UNAVAILABLE after 30 s
 */
export async function declareServiceTopology(link: RabbitLink, prefix: string): Promise<void> {
  const service = serviceSpec(prefix);
  await onScratchChannel(link, async (channel) => {
    await checkSetUp(channel);
    for (const queue of queuesOf(service)) await declareQueue(channel, queue);
  });
}

/**
 * Declares the exchanges and the queue for what cannot be routed, as a user who may: part of the set-up.
 * @throws AppError BROKER_TOPOLOGY_DRIFT, BROKER_ACCESS_REFUSED; Error when the broker cannot be reached
 */
export async function declareExchanges(url: string, connect?: Connect): Promise<void> {
  const signal = AbortSignal.timeout(APPLY_TIMEOUT_MS);
  const connection = await openConnection({
    url,
    name: 'warren.setup',
    heartbeatSeconds: SETUP_HEARTBEAT_SECONDS,
    signal,
    ...(connect === undefined ? {} : { connect }),
  });
  try {
    const channel = await connection.model.createChannel();
    channel.on('error', () => undefined);
    // Alternates come last in the list, but must exist for nobody: the broker resolves them when a message needs them.
    for (const exchange of EXCHANGES) {
      const options =
        exchange.alternate === undefined ? { durable: true } : { durable: true, alternateExchange: exchange.alternate };
      await channel.assertExchange(exchange.name, exchange.type, options).catch((cause: unknown) => {
        throw channelError(cause, `exchange ${exchange.name}`);
      });
    }
    await declareQueue(channel, UNROUTABLE_QUEUE);
  } finally {
    await connection.close();
  }
}

/** What the set-up declares and everybody relies on: the exchanges, and the queue for what nobody takes. */
async function checkSetUp(channel: BrokerChannel): Promise<void> {
  for (const { name } of EXCHANGES) {
    try {
      await channel.checkExchange(name);
    } catch (cause) {
      throw channelError(cause, `exchange ${name}`);
    }
  }
  try {
    await channel.checkQueue(UNROUTABLE_QUEUE.name);
  } catch (cause) {
    throw channelError(cause, `queue ${UNROUTABLE_QUEUE.name}`);
  }
}

/** Runs once on a channel of its own, since each failure closes the channel it happens on. */
async function onScratchChannel(link: RabbitLink, work: (channel: BrokerChannel) => Promise<void>): Promise<void> {
  let release = (): void => undefined;
  const done = new Promise<void>((resolve, reject) => {
    const attempt = async (session: LinkSession): Promise<void> => {
      try {
        await scratch(session, work);
        resolve();
      } catch (cause) {
        // A lost connection is tried again with the next one; what the broker answered would be answered again.
        if (session.alive) reject(cause);
      }
    };
    release = link.use(attempt);
  });
  try {
    await withTimeout(done, APPLY_TIMEOUT_MS, () =>
      raise('SERVICE_UNAVAILABLE', { message: 'The topology could not be declared in time.' }),
    );
  } finally {
    release();
  }
}

async function scratch(session: LinkSession, work: (channel: BrokerChannel) => Promise<void>): Promise<void> {
  const channel = await session.openChannel();
  await session.within(work(channel), 'the topology', APPLY_TIMEOUT_MS);
  await session.within(channel.close(), 'channel.close');
}
