import { AMQP_METHOD, type FaultProxy, type TempVhost, tempVhost } from '@warren/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ECHO, Kit, proxyBefore, until, WORK_QUEUE, watchUncaught, wholeStart } from './kit.ts';

describe('a supervised link', () => {
  let vhost: TempVhost;
  let kit: Kit;
  let proxy: FaultProxy;
  let proxied: string;
  const uncaught = watchUncaught();

  beforeAll(async () => {
    vhost = await tempVhost();
  });

  afterAll(async () => {
    uncaught.stop();
    await vhost.drop();
  });

  beforeEach(async () => {
    kit = await Kit.open(vhost.url);
    proxy = await proxyBefore(vhost.url);
    proxied = proxy.through(vhost.url);
  });

  afterEach(async () => {
    await kit.close();
    await proxy.close();
    expect(uncaught.seen).toEqual([]);
  });

  /** Starts through a proxy that breaks the connection once on the way, and expects that the start succeeds nevertheless. */
  const startThroughFault = async (own: FaultProxy): Promise<number> => {
    const { accepted } = own.counters;
    const started = await wholeStart(own.through(vhost.url));
    await until(() => started.link.state.up);
    await started.own.close();
    return own.counters.accepted - accepted;
  };

  it.each(['to_client', 'to_server'] as const)(
    'survives a cut at every place of connecting and setting up (%s)',
    { timeout: 120_000 },
    async (direction) => {
      const { own } = await wholeStart(proxied);
      const total = direction === 'to_client' ? proxy.counters.bytesToClient : proxy.counters.bytesToServer;
      await own.close();
      expect(total).toBeGreaterThan(300);
      // Where frames are short byte by byte; in the long list of properties every nineteenth byte.
      const places = Array.from({ length: total }, (_, i) => i + 1).filter(
        (place) => place < 16 || place > total - 60 || place % 19 === 0,
      );
      let connections = 0;
      const starts = places.length;
      const worker = async (): Promise<void> => {
        const own = await proxyBefore(vhost.url);
        for (let place = places.pop(); place !== undefined; place = places.pop()) {
          own.cutAfterBytes(place, direction);
          const made = await startThroughFault(own);
          connections += made;
        }
        await own.close();
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      // A cut after the last byte of the start may come when it is over.
      expect(connections).toBeGreaterThan(starts * 1.9);
    },
  );

  const METHODS = ['connectionOpen', 'channelOpen', 'queueDeclare', 'queueBind', 'basicQos', 'basicConsume'] as const;

  it.each(METHODS)('survives a cut before and after it sends %s', async (method) => {
    for (const when of ['before', 'after'] as const) {
      proxy.cutAtMethod('to_server', { method: AMQP_METHOD[method], when });
      expect(await startThroughFault(proxy)).toBeGreaterThan(1);
      proxy.onFrame('to_server', undefined);
    }
  });

  it('reconnects 50 times, and RPC works after each', { timeout: 60_000 }, async () => {
    const publishLink = await kit.link('publish', proxied);
    const consumeLink = await kit.link('consume', proxied);
    const client = await kit.client(publishLink);
    const replier = kit.replier(publishLink);
    const consumer = await kit.consumer(consumeLink, WORK_QUEUE, (delivery) => {
      replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
      delivery.ack();
    });
    for (let round = 1; round <= 50; round++) {
      proxy.cut();
      await until(() => !publishLink.state.up && !consumeLink.state.up);
      await until(() => client.ready && consumer.consuming && replier.ready);
      expect(await client.call(ECHO, { text: String(round) })).toEqual({ text: String(round) });
    }
    expect(publishLink.state.epoch).toBe(51);
  });

  it('has a reply queue at once on the next connection while the broker still holds the one before', async () => {
    const publishLink = await kit.link('publish', proxied, 60);
    const client = await kit.client(publishLink);
    const replyLink = await kit.link('publish');
    const replier = kit.replier(replyLink);
    await kit.consumer(await kit.link('consume'), WORK_QUEUE, (delivery) => {
      replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
      delivery.ack();
    });
    await until(() => replier.ready);
    // what ends here is not told to the broker
    proxy.flow('drop');
    await proxy.admit('refuse');
    const release = publishLink.use((session) => session.within(new Promise(() => undefined), 'nothing', 20));
    await until(() => !publishLink.state.up);
    release();
    // the end of the socket has to reach the proxy while it still swallows everything
    await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.flow('pass');
    await proxy.admit('pass');
    await until(() => client.ready);
    expect(await client.call(ECHO, { text: 'x' })).toEqual({ text: 'x' });
    expect(publishLink.state.epoch).toBe(2);
    const names = (await vhost.queues()).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith(`rpc.${publishLink.user}.`))).toHaveLength(2);
  });

  it('gives up a broker that falls silent, after two heartbeats', async () => {
    const link = await kit.link('consume', proxied, 1);
    const begin = performance.now();
    proxy.flow('drop');
    await until(() => !link.state.up, 6_000);
    expect(performance.now() - begin).toBeLessThan(4_000);
    proxy.flow('pass');
    await until(() => link.state.epoch === 2, 12_000);
  });

  it('says at once that the password is wrong, and stops trying', async () => {
    const url = new URL(vhost.url);
    url.password = 'wrong';
    const link = kit.coldLink('publish', url.href);
    link.start();
    await expect(link.ready(10_000)).rejects.toMatchObject({
      code: 'BROKER_ACCESS_REFUSED',
      message: expect.stringContaining('password') as string,
    });
    expect(link.state).toMatchObject({ up: false, fatal: true });
  });

  it('says that the vhost is missing', async () => {
    const url = new URL(vhost.url);
    url.pathname = '/no-such-vhost';
    const link = kit.coldLink('publish', url.href);
    link.start();
    await expect(link.ready(10_000)).rejects.toMatchObject({
      code: 'BROKER_ACCESS_REFUSED',
      message: expect.stringContaining('vhost') as string,
    });
  });

  it('is SERVICE_UNAVAILABLE for whoever waits while nobody listens, and comes up later', async () => {
    await proxy.admit('refuse');
    const link = kit.coldLink('publish', proxied);
    link.start();
    await expect(link.ready(200)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
    await proxy.admit('pass');
    await link.ready(5_000);
  });

  it('stops within its second although the broker is silent', async () => {
    const link = await kit.link('publish', proxied);
    proxy.flow('drop');
    const begin = performance.now();
    await link.stop();
    expect(performance.now() - begin).toBeLessThan(1_500);
    expect(performance.now() - begin).toBeGreaterThan(900);
    expect(link.state.up).toBe(false);
  });

  it('repeats a failed set-up while the connection lives, and runs it again on the next connection', async () => {
    const link = await kit.link('publish', proxied);
    const epochs: number[] = [];
    let failures = 2;
    const release = link.use(async (session) => {
      if (failures-- > 0) throw new Error('not yet');
      epochs.push(session.epoch);
    });
    await until(() => epochs.length === 1);
    proxy.cut();
    await until(() => epochs.length === 2);
    expect(epochs).toEqual([1, 2]);
    release();
  });

  it('runs a set-up once per connection, also one that is added at the moment the link comes up', async () => {
    const link = kit.coldLink('publish', proxied);
    const epochs: number[] = [];
    let added = false;
    link.onState(({ up }) => {
      if (!up || added) return;
      added = true;
      link.use(async (session) => void epochs.push(session.epoch));
    });
    link.start();
    await link.ready(10_000);
    proxy.cut();
    await until(() => epochs.includes(2));
    expect(epochs).toEqual([1, 2]);
  });

  it('opens nothing for a consumer that is closed at the moment the link comes up', async () => {
    const queue = { ...WORK_QUEUE, name: 'auth.passing', durable: false, exclusive: true, bindings: [] };
    const link = await kit.link('consume', proxied);
    const consumer = await kit.consumer(link, queue, (delivery) => delivery.ack());
    let declared = 0;
    proxy.onFrame('to_server', ({ method }) => {
      if (method === AMQP_METHOD.queueDeclare) declared++;
      return undefined;
    });
    link.onState(({ up }) => {
      if (up) void consumer.close();
    });
    proxy.cut();
    await until(() => link.state.epoch === 2 && link.state.up);
    await kit.consumer(link, { ...queue, name: 'auth.witness' }, (delivery) => delivery.ack());
    expect(declared).toBe(1);
  });
});
