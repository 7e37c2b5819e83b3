import { listenerDeps, planListeners } from '@warren/command-center';
import { silentLogger, systemClock } from '@warren/kernel';
import { ConfirmedPublisher, type Delivery, RabbitLink, RpcReplier, userOf } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { REQUEST } from './bench_contract.ts';
import { BenchListener } from './bench_listener.ts';
import { MemoryDelivery } from './memory_delivery.ts';
import { serveSide } from './side.ts';
import { WORK_PREFIX, workService } from './work_registry.ts';

const URL = 'amqp://warren:unused@127.0.0.1:1/';

const body = Buffer.from(JSON.stringify(REQUEST));
const logger = silentLogger();
const metrics = new Metrics(WORK_PREFIX);
// never started: no message of this measure needs the broker
const link = new RabbitLink({ url: URL, role: 'publish', name: 'bench', logger, metrics });
const shared = { logger, metrics, clock: systemClock };
const replier = new RpcReplier({ link, logger, metrics });
const publisher = new ConfirmedPublisher({ ...shared, link, prefix: WORK_PREFIX });
const service = workService();
const resources = { ...shared, ...service, consumeLink: link, publisher, replier, user: userOf(URL, WORK_PREFIX) };
const [plan] = planListeners(service.registry);
if (plan === undefined) throw new Error('the registry needs no listener');
let deliver: (delivery: Delivery) => void = () => undefined;
const listener = new BenchListener({
  ...listenerDeps(plan, resources),
  consume: (onDelivery) => {
    deliver = onDelivery;
    return {
      consuming: true,
      start: async () => {},
      hold: async () => {},
      cancel: async () => {},
      close: async () => {},
    };
  },
});
await listener.start();

serveSide({
  run: async ({ messages = 0, inFlight }) => {
    const done = listener.countdown.from(messages);
    for (let sent = 0; sent < messages; sent += inFlight) {
      for (let i = 0; i < inFlight; i++) deliver(new MemoryDelivery(body));
      await new Promise(setImmediate);
    }
    await done;
    return { calls: messages, failures: 0, latencies: [] };
  },
  stop: async () => {
    await listener.stop();
    await publisher.stop(0);
  },
});
