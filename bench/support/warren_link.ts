import { silentLogger } from '@warren/kernel';
import { RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';

const READY_TIMEOUT_MS = 10_000;

export const logger = silentLogger();

/** The two connections of one process, up. */
export async function openLinks(
  url: string,
  prefix: string,
): Promise<{ publishLink: RabbitLink; consumeLink: RabbitLink; metrics: Metrics }> {
  const metrics = new Metrics(prefix);
  const open = async (role: 'publish' | 'consume'): Promise<RabbitLink> => {
    const link = new RabbitLink({ url, role, name: `bench.${prefix}.${role}`, logger, metrics });
    link.start();
    await link.ready(READY_TIMEOUT_MS);
    return link;
  };
  const [publishLink, consumeLink] = await Promise.all([open('publish'), open('consume')]);
  return { publishLink, consumeLink, metrics };
}
