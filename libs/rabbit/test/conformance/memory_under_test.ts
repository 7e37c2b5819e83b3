import { MemoryBroker } from '../../src/memory/index.ts';
import type { RawChannel, ServerUnderTest } from './broker_under_test.ts';

const STRANGER = 'stranger';

/** A twin whose links go through `connect` and can be broken apart from what the test itself says. */
export async function memoryUnderTest(): Promise<ServerUnderTest> {
  const broker = new MemoryBroker({ users: [{ name: 'guest', password: 'guest' }] });
  const isLink = (name: string): boolean => name.startsWith('warren.');
  let refused = false;
  const raw = async (): Promise<RawChannel> => {
    const connection = await broker.connect(broker.url(), {
      signal: new AbortController().signal,
      clientProperties: { connection_name: 'raw' },
    });
    connection.on('error', () => undefined);
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    return channel as RawChannel;
  };
  const reopen = async (close: () => void): Promise<void> => {
    close();
    broker.start();
  };
  return {
    url: broker.url(),
    strangersUrl: broker.url(STRANGER),
    nowhereUrl: `${broker.url()}nowhere`,
    connect: (url, options) => {
      if (refused) return Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
      return broker.connect(url, options);
    },
    raw,
    cut: () => void broker.cut(isLink),
    refuse: async (on) => {
      refused = on;
    },
    alarm: async (on) => broker.alarm(on),
    restart: () => reopen(() => broker.stop()),
    close: async () => broker.close(),
  };
}
