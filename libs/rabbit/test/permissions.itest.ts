import { type TempVhost, tempVhost } from '@warren/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  brokerDefinitions,
  brokerPrefixes,
  declareServiceTopology,
  EXCHANGE,
  EXCHANGES,
  SERVICES,
  UNROUTABLE_QUEUE,
} from '../src/index.ts';
import { mayPublish } from './intended_rights.ts';
import { Kit } from './kit.ts';
import { RightsProbe } from './rights_probe.ts';
import { serviceUsers } from './service_users.ts';

describe('the rights of the broker users', () => {
  let vhost: TempVhost;
  let urlOf: (prefix: string) => string;
  const probes = new Map<string, RightsProbe>();
  const as = (prefix: string): RightsProbe => {
    const probe = probes.get(prefix);
    if (probe === undefined) throw new Error(`${prefix} is not connected`);
    return probe;
  };

  beforeAll(async () => {
    vhost = await tempVhost();
    urlOf = await serviceUsers(vhost);
    for (const prefix of brokerPrefixes()) probes.set(prefix, await RightsProbe.open(urlOf(prefix)));
  });

  afterAll(async () => {
    for (const probe of probes.values()) await probe.close();
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

  it.each(SERVICES.map(({ prefix }) => prefix))('%s may see how much lies where nobody consumes', async (prefix) => {
    expect(await as(prefix).allows((channel) => channel.checkQueue(UNROUTABLE_QUEUE.name))).toBe(true);
  });

  it.each(brokerPrefixes().filter((prefix) => prefix !== 'topology'))(
    '%s cannot speak in the name of another user',
    async (prefix) => {
      const own = { exchange: EXCHANGE.events, key: `${prefix}.x` };
      const { exchange, key } = prefix === 'ops' ? { exchange: EXCHANGE.deliver, key: 'x' } : own;
      expect(mayPublish({ prefix, user: prefix }, exchange, key)).toBe(true);
      const publishing = (userId: string) => ({
        title: userId,
        may: true,
        deed: async (channel: Parameters<Parameters<RightsProbe['keep']>[0]>[0]) => {
          channel.publish(exchange, key, Buffer.from('{}'), { userId });
          await channel.waitForConfirms();
        },
      });
      const itself = vhost.userPrefix + prefix;
      expect(await as(prefix).wrong([publishing(itself), publishing('somebody')])).toEqual(['somebody: 406']);
    },
  );

  it('let the topology user make exchanges, and nobody else', async () => {
    const may: boolean[] = [];
    for (const prefix of brokerPrefixes())
      may.push(await as(prefix).allows((channel) => channel.assertExchange('warren.extra', 'topic')));
    expect(may).toEqual(brokerPrefixes().map((prefix) => prefix === 'topology'));
    expect(await as('topology').allows((channel) => channel.deleteExchange('warren.extra'))).toBe(true);
  });
});
