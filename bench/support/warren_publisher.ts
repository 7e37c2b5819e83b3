import { ConfirmedPublisher, EXCHANGE } from '@warren/rabbit';
import { BENCH_WORK, REQUEST, WORK_PROPERTIES } from './bench_contract.ts';
import { measureCalls, serveSide } from './side.ts';
import { logger, openLinks } from './warren_link.ts';

const PREFIX = 'coordinator';

const [url = ''] = process.argv.slice(2);
const { publishLink, consumeLink, metrics } = await openLinks(url, PREFIX);
const publisher = new ConfirmedPublisher({ link: publishLink, prefix: PREFIX, logger, metrics });
const { messageId, type, headers } = WORK_PROPERTIES;

async function call(): Promise<boolean> {
  const body = Buffer.from(JSON.stringify(REQUEST));
  const message = {
    exchange: EXCHANGE.commands,
    key: BENCH_WORK.name,
    body,
    messageId,
    type,
    headers,
    persistent: true,
  };
  return (await publisher.publish(message)) === 'confirmed';
}

serveSide({
  run: (order) => measureCalls(call, order),
  stop: async () => {
    await publisher.stop(0);
    await Promise.all([publishLink.stop(), consumeLink.stop()]);
  },
});
