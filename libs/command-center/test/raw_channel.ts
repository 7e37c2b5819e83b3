import { randomUUID } from 'node:crypto';
import type { LinkSession, RabbitLink } from '@warren/rabbit';
import * as z from 'zod';

type Channel = Awaited<ReturnType<LinkSession['openConfirmChannel']>>;

/** The broker as it is, for what our own publishers would never send and for looking into queues. */
export interface RawChannel {
  /** With `mandatory` it rejects when no queue takes the message. */
  publish(
    exchange: string,
    key: string,
    body: Buffer | string,
    options?: Parameters<Channel['publish']>[3],
  ): Promise<void>;
  /** Takes the next message of a queue. */
  take(
    queue: string,
  ): Promise<{ headers: Record<string, unknown>; body: string; userId: unknown; messageId: unknown } | undefined>;
  /** Messages that wait in a queue; those in somebody's hands do not count. */
  ready(queue: string): Promise<number>;
}

const Properties = z.object({
  headers: z.record(z.string(), z.unknown()).default({}),
  userId: z.unknown(),
  messageId: z.unknown(),
});

export async function rawChannel(link: RabbitLink): Promise<RawChannel> {
  const { promise, resolve } = Promise.withResolvers<Channel>();
  link.use(async (session) => resolve(await session.openConfirmChannel()));
  const channel = await promise;
  const returned = new Set<unknown>();
  channel.on('return', ({ properties }) => returned.add(properties.messageId));
  return {
    publish: (exchange, key, body, options = {}) =>
      new Promise((done, reject) => {
        const bytes = Buffer.from(body);
        const properties = {
          contentType: 'application/json',
          messageId: randomUUID(),
          appId: 'coordinator',
          persistent: true,
          ...options,
        };
        channel.publish(exchange, key, bytes, properties, (error: unknown) => {
          if (returned.delete(properties.messageId)) reject(new Error(`no queue takes ${key}`));
          else if (error === null || error === undefined) done();
          else reject(error);
        });
      }),
    take: async (queue) => {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return undefined;
      return { ...Properties.parse(message.properties), body: message.content.toString() };
    },
    ready: async (queue) => (await channel.checkQueue(queue)).messageCount,
  };
}

export async function until(condition: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition did not come true in time');
    await pause(10);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The next message of a queue, once there is one. */
export async function nextOf(
  raw: RawChannel,
  queue: string,
  ms = 5_000,
): Promise<NonNullable<Awaited<ReturnType<RawChannel['take']>>>> {
  let found: Awaited<ReturnType<RawChannel['take']>>;
  await until(async () => {
    found = await raw.take(queue);
    return found !== undefined;
  }, ms);
  if (found === undefined) throw new Error('unreachable');
  return found;
}

/** Resolves when the work is given up, also when that has happened before somebody asked. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
