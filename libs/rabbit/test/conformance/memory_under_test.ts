import { userSpecs } from '../../src/index.ts';
import { MemoryBroker } from '../../src/memory/index.ts';
import type { RawChannel, ServerUnderTest, UsersUnderTest } from './broker_under_test.ts';

const STRANGER = 'stranger';

/** A twin whose links go through `connect` and can be broken apart from what the test itself says. */
export async function memoryUnderTest(): Promise<ServerUnderTest & UsersUnderTest> {
  const services = userSpecs('').map((spec) => ({ ...spec, name: spec.prefix }));
  const broker = new MemoryBroker({ users: [{ name: 'guest', password: 'guest' }, ...services] });
  const isLink = (name: string): boolean => name.startsWith('warren.');
  let refused = false;
  const raw = async (as = broker.url()): Promise<RawChannel> => {
    const connection = await broker.connect(as, {
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
    users: async () => (prefix) => broker.url(prefix),
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
    crash: () => reopen(() => broker.kill()),
    close: async () => broker.close(),
  };
}
