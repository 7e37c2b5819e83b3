import { hostname } from 'node:os';
import { silentLogger } from '@warren/kernel';
import { RabbitLink, RpcClient } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type { WarrenSystem } from '../../e2e/support/warren_system.ts';

const READY_TIMEOUT_MS = 20_000;

export interface BrokerCaller {
  readonly rpc: RpcClient;
  readonly close: () => Promise<void>;
}

/** Calls services as the gateway's broker user does, past everything that the gateway checks. */
export async function brokerCaller(system: WarrenSystem): Promise<BrokerCaller> {
  const shared = { logger: silentLogger(), metrics: new Metrics('tests') };
  const url = system.brokerUrl('gateway');
  const links = (['publish', 'consume'] as const).map(
    (role) => new RabbitLink({ url, role, name: `tests.${role}`, ...shared }),
  );
  const [publishLink, consumeLink] = links;
  if (publishLink === undefined || consumeLink === undefined) throw new Error('no links');
  for (const link of links) link.start();
  await Promise.all(links.map((link) => link.ready(READY_TIMEOUT_MS)));
  const instance = `${hostname()
    .replace(/[^a-zA-Z0-9-]/g, '-')
    .slice(0, 30)}-tests`;
  const rpc = new RpcClient({
    publishLink,
    user: publishLink.user,
    prefix: 'gateway',
    instance,
    ...shared,
  });
  await rpc.start();
  const close = async (): Promise<void> => {
    await rpc.stop();
    await Promise.all(links.map((link) => link.stop()));
  };
  return { rpc, close };
}
