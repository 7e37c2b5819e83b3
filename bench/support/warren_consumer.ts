import { listenerDeps, planListeners } from '@warren/command-center';
import { systemClock } from '@warren/kernel';
import { ConfirmedPublisher, declareServiceTopology, RpcReplier, userOf } from '@warren/rabbit';
import { BenchListener } from './bench_listener.ts';
import { serveSide } from './side.ts';
import { logger, openLinks } from './warren_link.ts';
import { WORK_PREFIX, workService } from './work_registry.ts';

const [url = ''] = process.argv.slice(2);
const { publishLink, consumeLink, metrics } = await openLinks(url, WORK_PREFIX);
await declareServiceTopology(consumeLink, WORK_PREFIX);
const shared = { logger, metrics, clock: systemClock };
const replier = new RpcReplier({ link: publishLink, logger, metrics });
const publisher = new ConfirmedPublisher({ ...shared, link: publishLink, prefix: WORK_PREFIX });
const service = workService();
const resources = { ...shared, ...service, consumeLink, publisher, replier, user: userOf(url, WORK_PREFIX) };
const [plan] = planListeners(service.registry);
if (plan === undefined) throw new Error('the registry needs no listener');
const listener = new BenchListener(listenerDeps(plan, resources));
await listener.start();
await listener.pause();

serveSide({
  run: async ({ messages = 0, handlerMs = 0 }) => {
    listener.handlerMs = handlerMs;
    const done = listener.countdown.from(messages);
    await listener.resume();
    await done;
    await listener.pause();
    return { calls: messages, failures: 0, latencies: [] };
  },
  stop: async () => {
    await listener.stop();
    await Promise.all([publisher.stop(0), replier.stop()]);
    await Promise.all([publishLink.stop(), consumeLink.stop()]);
  },
});
