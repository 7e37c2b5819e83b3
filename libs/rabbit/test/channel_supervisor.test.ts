import { EventEmitter } from 'node:events';
import { silentLogger } from '@warren/kernel';
import { expect, test } from 'vitest';
import type { BrokerChannel, BrokerConnection } from '../src/broker_port.ts';
import { ChannelSupervisor } from '../src/channel_supervisor.ts';
import type { RabbitLink } from '../src/index.ts';
import { LinkSession } from '../src/link_session.ts';
import { until } from './kit.ts';

/** A channel on whose close the broker says nothing. */
class SilentChannel extends EventEmitter {
  close(): Promise<void> {
    return new Promise(() => undefined);
  }
}

const sessionOf = (epoch: number): LinkSession => {
  const model = { createChannel: async () => new SilentChannel() } as unknown as BrokerConnection;
  return new LinkSession({ model, frames: undefined, epoch, kill: () => undefined });
};

test('a channel that could not be set up and is closed slowly says nothing about its successor', async () => {
  let serve: (session: LinkSession) => Promise<void> = async () => undefined;
  const link = {
    use: (setup: typeof serve) => {
      serve = setup;
      return () => undefined;
    },
  } as unknown as RabbitLink;
  const events: string[] = [];
  const supervisor = new ChannelSupervisor<BrokerChannel>({
    link,
    subject: 'the test',
    logger: silentLogger(),
    open: (session) => session.openChannel(),
    onOpen: async () => {
      events.push('open');
      if (events.length === 1) throw new Error('it cannot be set up');
    },
    onLost: () => void events.push('lost'),
  });
  supervisor.start();
  const [first, second] = [sessionOf(1), sessionOf(2)];
  const ended = serve(first);
  await until(() => events.length > 0);
  first.ended(undefined);
  void serve(second);
  await until(() => supervisor.channel !== undefined);
  await ended;
  expect(events).toEqual(['open', 'lost', 'open']);
  expect(supervisor.lastError).toBeUndefined();
  await supervisor.stop();
});
