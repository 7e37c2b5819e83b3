import { importIntoVhost, type TempVhost, tempVhost } from '@warren/testing';
import { type ChannelModel, connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  brokerDefinitions,
  brokerPrefixes,
  declareServiceTopology,
  EXCHANGE,
  EXCHANGES,
  type QueueSpec,
  queuesOf,
  replyQueueSpec,
  SERVICES,
  UNROUTABLE_QUEUE,
} from '../src/index.ts';
import { mayBind, mayPublish } from './intended_rights.ts';
import { Kit } from './kit.ts';

const PASSWORD = 'a-password-for-tests';

type Deed = (channel: Awaited<ReturnType<ChannelModel['createConfirmChannel']>>) => Promise<unknown>;

/** True when the broker allows it, false when it answers 403; anything else is a failure of the test. */
async function allowed(connection: ChannelModel, deed: Deed): Promise<boolean> {
  const channel = await connection.createConfirmChannel();
  let code: unknown;
  channel.on('error', (error) => {
    code = 'code' in error ? error.code : error;
  });
  try {
    await deed(channel);
    await channel.close();
    return true;
  } catch (cause) {
    if (code === 403) return false;
    throw cause;
  }
}

/** All at once, each on its own channel. */
const each = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  await Promise.all(items.map(work));
};

const publishing =
  (exchange: string, key: string): Deed =>
  async (channel) => {
    channel.publish(exchange, key, Buffer.from('{}'));
    await channel.waitForConfirms();
  };

const declaring =
  (queue: QueueSpec): Deed =>
  async (channel) => {
    const { durable, exclusive, autoDelete } = queue;
    await channel.assertQueue(queue.name, { durable, exclusive, autoDelete, arguments: queue.arguments });
  };

describe('the rights of the broker users', () => {
  let vhost: TempVhost;
  const connections = new Map<string, ChannelModel>();
  const userName = (prefix: string): string => vhost.userPrefix + prefix;
  const urlOf = (prefix: string): string => vhost.urlFor(userName(prefix), PASSWORD);
  const as = (prefix: string): ChannelModel => {
    const connection = connections.get(prefix);
    if (connection === undefined) throw new Error(`${prefix} is not connected`);
    return connection;
  };

  beforeAll(async () => {
    vhost = await tempVhost();
    const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'replaced by importIntoVhost']));
    const definitions = brokerDefinitions({ vhost: vhost.name, userPrefix: vhost.userPrefix, passwords });
    const users = definitions.users.map(({ name }) => ({ name, password: PASSWORD }));
    await importIntoVhost(vhost, { ...definitions, users });
    for (const prefix of brokerPrefixes()) {
      const connection = await connect(urlOf(prefix), { noDelay: true });
      connection.on('error', () => undefined);
      connections.set(prefix, connection);
    }
  });

  afterAll(async () => {
    for (const connection of connections.values()) await connection.close();
    await vhost.drop();
  });

  it('let every service declare and bind its own queues, twice', async () => {
    const kit = new Kit(vhost.url);
    for (const { prefix } of SERVICES) {
      const link = await kit.link('consume', urlOf(prefix));
      await declareServiceTopology(link, prefix);
      await declareServiceTopology(link, prefix);
    }
    await kit.close();
  });

  it('name every exchange for every user, since a missing row allows everything', () => {
    const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'x']));
    const rows = brokerDefinitions({ vhost: 'v', userPrefix: 'u-', passwords }).topic_permissions;
    for (const prefix of brokerPrefixes()) {
      const named = rows.filter((row) => row.user === `u-${prefix}`).map((row) => row.exchange);
      expect([...named].sort()).toEqual(EXCHANGES.map((exchange) => exchange.name).sort());
    }
  });

  const sampleKeys = (): string[] => [
    ...SERVICES.flatMap(({ prefix }) =>
      ['do_it', 'do_it.p3', 'commands', 'dead', 'rpc'].map((rest) => `${prefix}.${rest}`),
    ),
    'allocator.lease_lost',
    'push.03',
    'gateway.node.i.1',
    '',
    'warren.unroutable',
    'game.secret',
    ...brokerPrefixes().map((prefix) => `rpc.${userName(prefix)}.i.1`),
  ];

  it.each(brokerPrefixes())('%s publishes exactly what it may', async (prefix) => {
    const wrong: string[] = [];
    for (const exchange of [...EXCHANGES.map(({ name }) => name), '']) {
      await each(sampleKeys(), async (key) => {
        const may = await allowed(as(prefix), publishing(exchange, key));
        if (may !== mayPublish(prefix, exchange, key)) wrong.push(`${exchange} "${key}": the broker says ${may}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  it.each(brokerPrefixes())('%s binds exactly what it may', async (prefix) => {
    const wrong: string[] = [];
    const own = { topology: 'warren.probe', ops: `rpc.${userName('ops')}.probe` }[prefix] ?? `${prefix}.probe`;
    const holder = await as(prefix).createChannel();
    await holder.assertQueue(own, { durable: false, exclusive: true });
    const patterns = SERVICES.flatMap((service) => ['*', '#', '*.p3'].map((rest) => `${service.prefix}.${rest}`));
    for (const { name } of EXCHANGES) {
      await each([...sampleKeys(), ...patterns, '#', '*', '*.*'], async (key) => {
        const may = await allowed(as(prefix), (channel) => channel.bindQueue(own, name, key));
        if (may !== mayBind(prefix, userName(prefix), name, key))
          wrong.push(`${name} "${key}": the broker says ${may}`);
      });
    }
    expect(wrong).toEqual([]);
    await holder.close();
  });

  it.each(brokerPrefixes())('%s declares, consumes and deletes no queue of another user', async (prefix) => {
    const wrong: string[] = [];
    const queues = [
      ...SERVICES.flatMap((service) => queuesOf(service).map((queue) => ({ owner: service.prefix, queue }))),
      { owner: 'topology', queue: UNROUTABLE_QUEUE },
    ];
    for (const { owner, queue } of queues) {
      const mine = owner === prefix;
      const reads = mine || (prefix === 'ops' && (queue.name.endsWith('.dead') || owner === 'topology'));
      const deeds = {
        declare: declaring(queue),
        consume: (async (channel) => channel.consume(queue.name, () => undefined)) satisfies Deed,
      };
      if ((await allowed(as(prefix), deeds.declare)) !== mine) wrong.push(`declare ${queue.name}`);
      if ((await allowed(as(prefix), deeds.consume)) !== reads) wrong.push(`consume ${queue.name}`);
      if (!mine && (await allowed(as(prefix), (channel) => channel.deleteQueue(queue.name))))
        wrong.push(`delete ${queue.name}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each(SERVICES.map(({ prefix }) => prefix))('%s may see how much lies where nobody consumes', async (prefix) => {
    expect(await allowed(as(prefix), (channel) => channel.checkQueue(UNROUTABLE_QUEUE.name))).toBe(true);
  });

  it.each(SERVICES.filter((service) => service.calls.length > 0).map(({ prefix }) => prefix))(
    '%s has a reply queue of its own and no other',
    async (prefix) => {
      const own = replyQueueSpec(userName(prefix), 'i', 1);
      expect(await allowed(as(prefix), declaring(own))).toBe(true);
      expect(await allowed(as(prefix), (channel) => channel.bindQueue(own.name, EXCHANGE.replies, own.name))).toBe(
        true,
      );
      expect(await allowed(as(prefix), declaring(replyQueueSpec(userName('auth'), 'i', 1)))).toBe(false);
    },
  );

  it.each(brokerPrefixes())('%s cannot speak in the name of another user', async (prefix) => {
    const target = mayPublish(prefix, EXCHANGE.events, `${prefix}.x`) ? EXCHANGE.events : EXCHANGE.deliver;
    if (prefix === 'topology') return expect(mayPublish(prefix, target, 'x')).toBe(false);
    const channel = await as(prefix).createConfirmChannel();
    let code: unknown;
    channel.on('error', (error) => {
      code = 'code' in error ? error.code : undefined;
    });
    channel.publish(target, `${prefix}.x`, Buffer.from('{}'), { userId: 'somebody' });
    await expect(channel.waitForConfirms()).rejects.toThrow();
    expect(code).toBe(406);
  });

  it('limit the topology user to exchanges', async () => {
    expect(await allowed(as('topology'), (channel) => channel.assertExchange('warren.extra', 'topic'))).toBe(true);
    await as('topology')
      .createChannel()
      .then((channel) => channel.deleteExchange('warren.extra'));
    for (const { prefix } of SERVICES) {
      expect(await allowed(as(prefix), (channel) => channel.assertExchange('warren.extra', 'topic'))).toBe(false);
    }
  });
});
