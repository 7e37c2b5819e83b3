import {
  BaseMicroserviceListener,
  type CommandHandler,
  command,
  defineRegistry,
  listenerDeps,
  planListeners,
  type ValidatedCommand,
} from '@warren/command-center';
import type { DtoOf } from '@warren/contracts';
import { Container, systemClock, token } from '@warren/kernel';
import { ConfirmedPublisher, declareServiceTopology, RpcReplier, userOf } from '@warren/rabbit';
import type * as z from 'zod';
import { BENCH_ASSIGN, REPLY } from './bench_contract.ts';
import { serveSide } from './side.ts';
import { logger, openLinks } from './warren_link.ts';

type Request = DtoOf<typeof BENCH_ASSIGN>;

const PREFIX = 'allocator';
const MAX_CONCURRENT_TASKS = 256;
const TIMEOUT_MS = 10_000;

/** Every feature but the transaction, which is no part of the way there and back. */
class BenchListener extends BaseMicroserviceListener {
  protected override processSingleCommand({ payload }: ValidatedCommand): Promise<unknown> {
    return isRequest(payload) ? answer(payload) : Promise.reject(new TypeError('another payload'));
  }
}

/** The listener has validated it; this only tells the compiler. */
const isRequest = (payload: unknown): payload is Request =>
  typeof payload === 'object' && payload !== null && 'players' in payload;

async function answer(dto: Request): Promise<z.input<(typeof BENCH_ASSIGN)['reply']>> {
  return dto.players.length > 0 ? REPLY : Promise.reject(new Error('no players'));
}

const [url = ''] = process.argv.slice(2);
const { publishLink, consumeLink, metrics } = await openLinks(url, PREFIX);
await declareServiceTopology(consumeLink, PREFIX);
const handler = token<CommandHandler<Request, z.input<(typeof BENCH_ASSIGN)['reply']>>>('bench.assign');
const registry = defineRegistry({
  prefix: PREFIX,
  maxConcurrentTasks: MAX_CONCURRENT_TASKS,
  commandProcessingTimeoutMs: TIMEOUT_MS,
  commands: [command(BENCH_ASSIGN, handler)],
  events: [],
});
const shared = { logger, metrics, clock: systemClock };
const replier = new RpcReplier({ link: publishLink, logger, metrics });
const publisher = new ConfirmedPublisher({ ...shared, link: publishLink, prefix: PREFIX });
const container = new Container().value(handler, { apply: answer });
const resources = { ...shared, registry, container, consumeLink, publisher, replier, user: userOf(url, PREFIX) };
const listeners = planListeners(registry).map((plan) => new BenchListener(listenerDeps(plan, resources)));
for (const listener of listeners) await listener.start();

serveSide({
  stop: async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await Promise.all([publisher.stop(0), replier.stop()]);
    await Promise.all([publishLink.stop(), consumeLink.stop()]);
  },
});
