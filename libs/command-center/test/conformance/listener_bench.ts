import { defineContract } from '@warren/contracts';
import { Container, silentLogger, systemClock, token } from '@warren/kernel';
import {
  ConfirmedPublisher,
  declareExchanges,
  declareServiceTopology,
  RabbitLink,
  RpcClient,
  RpcReplier,
  userOf,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import * as z from 'zod';
import {
  BaseMicroserviceListener,
  type CommandContext,
  command,
  defineRegistry,
  type HandlerFor,
  type ListenerDeps,
  listenerDeps,
  planListeners,
  type ValidatedCommand,
} from '../../src/index.ts';
import { type RawChannel, rawChannel } from '../raw_channel.ts';

const PREFIX = 'allocator';
const logger = silentLogger();

/** A broker of one case: an own vhost of RabbitMQ, or a twin. */
export interface BrokerPlace {
  readonly url: string;
  /** Undefined for amqplib's own. */
  readonly connect: ConstructorParameters<typeof RabbitLink>[0]['connect'];
  /** Breaks every connection. */
  cut(): void;
}

export const WORK = defineContract({
  name: 'allocator.do_work',
  summary: 'Does what the test says.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['rpc', 'command'],
  dto: z.object({ text: z.string() }),
  reply: z.object({ text: z.string() }),
  errors: {},
  idempotency: 'natural',
  deadlineMs: 20_000,
});

const HANDLER = token<HandlerFor<typeof WORK>>('test.work');

export type Work = (text: string, context: CommandContext) => Promise<{ text: string }>;

class WorkListener extends BaseMicroserviceListener {
  readonly #work: Work;

  constructor(deps: ListenerDeps, work: Work) {
    super(deps);
    this.#work = work;
  }

  protected override processSingleCommand({ payload }: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.#work(WORK.dto.parse(payload).text, context);
  }
}

/** A service with listeners and a caller, on one broker. */
export class ListenerBench {
  readonly place: BrokerPlace;
  readonly listeners: readonly BaseMicroserviceListener[];
  readonly rpc: RpcClient;
  readonly publisher: ConfirmedPublisher;
  readonly raw: RawChannel;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Omit<ListenerBench, 'close'> & { readonly stack: AsyncDisposableStack }) {
    this.place = parts.place;
    this.listeners = parts.listeners;
    this.rpc = parts.rpc;
    this.publisher = parts.publisher;
    this.raw = parts.raw;
    this.#stack = parts.stack;
  }

  static async open(place: BrokerPlace, work: Work, maxConcurrentTasks = 4): Promise<ListenerBench> {
    const stack = new AsyncDisposableStack();
    const { url, connect } = place;
    const metrics = new Metrics('test');
    await declareExchanges(url, connect);
    const link = async (role: 'publish' | 'consume', who: string): Promise<RabbitLink> => {
      const options = connect === undefined ? {} : { connect };
      const opened = new RabbitLink({ url, role, name: `warren.${who}.${role}`, logger, metrics, ...options });
      stack.defer(() => opened.stop());
      opened.start();
      await opened.ready(20_000);
      return opened;
    };
    const [publishLink, consumeLink] = [await link('publish', PREFIX), await link('consume', PREFIX)];
    await declareServiceTopology(consumeLink, PREFIX);
    const shared = { prefix: PREFIX, logger, metrics };
    const publisher = new ConfirmedPublisher({ ...shared, link: publishLink });
    stack.defer(() => publisher.stop(0));
    const replier = new RpcReplier({ link: publishLink, logger, metrics });
    stack.defer(() => replier.stop());
    const registry = defineRegistry({
      prefix: PREFIX,
      maxConcurrentTasks,
      commandProcessingTimeoutMs: 10_000,
      commands: [command(WORK, HANDLER)],
      events: [],
    });
    const container = new Container();
    container.value(HANDLER, { apply: async ({ text }) => ({ text }) });
    const resources = { registry, container, consumeLink, publisher, replier, user: userOf(url, PREFIX) };
    const listeners = planListeners(registry).map(
      (plan) => new WorkListener(listenerDeps(plan, { ...resources, clock: systemClock, logger, metrics }), work),
    );
    for (const listener of listeners) {
      stack.defer(() => listener.stop());
      await listener.start();
    }
    const callerLink = await link('publish', 'coordinator');
    const caller = { ...shared, prefix: 'coordinator' };
    const rpc = new RpcClient({ ...caller, publishLink: callerLink, user: callerLink.user, instance: 'one' });
    stack.defer(() => rpc.stop());
    await rpc.start();
    return new ListenerBench({ place, listeners, rpc, publisher, raw: await rawChannel(callerLink), stack });
  }

  close(): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
