import { faultProxy, tempVhost } from '@warren/testing';
import { connect } from 'amqplib';
import { serviceUsers } from '../service_users.ts';
import type { BrokerUnderTest, RawChannel, UsersUnderTest } from './broker_under_test.ts';

/** A vhost of the RabbitMQ of this test run; links reach it through a proxy that can break them. */
export async function rabbitUnderTest(): Promise<UsersUnderTest> {
  const vhost = await tempVhost();
  const open = await brokerAt(vhost.url);
  const close = async (): Promise<void> => {
    await open.close();
    await vhost.drop();
  };
  return { ...open, users: () => serviceUsers(vhost), close };
}

/** A RabbitMQ at this address; links reach it through a proxy. */
export async function brokerAt(direct: string): Promise<BrokerUnderTest> {
  const { hostname, port } = new URL(direct);
  const proxy = await faultProxy({ target: { host: hostname, port: Number(port) } });
  const stack = new AsyncDisposableStack();
  stack.defer(() => proxy.close());
  const url = proxy.through(direct);
  const changed = (change: Partial<URL>): string => Object.assign(new URL(url), change).href;
  const raw = async (as = direct): Promise<RawChannel> => {
    const connection = await connect(as, { noDelay: true });
    connection.on('error', () => undefined);
    stack.defer(() => connection.close().catch(() => undefined));
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    return channel;
  };
  return {
    url,
    strangersUrl: changed({ username: 'stranger' }),
    nowhereUrl: changed({ pathname: '/nowhere-at-all' }),
    connect: undefined,
    raw,
    cut: () => void proxy.cut(),
    refuse: (refused) => proxy.admit(refused ? 'refuse' : 'pass'),
    close: () => stack.disposeAsync(),
  };
}
