import { randomUUID } from 'node:crypto';
import { ASSIGN_GAME, ISSUE_JOIN_TICKET, IssueJoinTicketDto, type PushMessage } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import {
  ConfirmedPublisher,
  commandsQueue,
  type Delivery,
  declareServiceTopology,
  PUSH_PARTITIONS,
  pushQueue,
  QueueConsumer,
  queuesOf,
  RabbitLink,
  RpcClient,
  RpcReplier,
  rpcQueue,
  serviceSpec,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';

export const INSTANCE = 'arena-1';
export const ADDRESS = 'ws://127.0.0.1:7350/';

export interface Pushed extends PushMessage {
  readonly trace: string;
}

const metrics = new Metrics('test');
const logger = silentLogger();

/** The other services' side of the broker: a gateway that calls and receives, an allocator and an auth-svc that answer. */
export class TestBroker {
  readonly pushed: Pushed[] = [];
  readonly released: unknown[] = [];
  readonly leases = new Map<string, string>();
  /** Trace ids of the calls that matches made. */
  readonly traces = new Set<string>();
  readonly rpc: RpcClient;
  readonly publisher: ConfirmedPublisher;
  readonly #publish: RabbitLink;
  readonly #consume: RabbitLink;
  readonly #replier: RpcReplier;
  readonly #consumers: QueueConsumer[] = [];

  constructor(url: string) {
    this.#publish = new RabbitLink({ url, role: 'publish', name: 'test.publish', logger, metrics });
    this.#consume = new RabbitLink({ url, role: 'consume', name: 'test.consume', logger, metrics });
    const publishLink = this.#publish;
    const { user } = publishLink;
    this.rpc = new RpcClient({ publishLink, user, prefix: 'gateway', instance: 'test', logger, metrics });
    this.publisher = new ConfirmedPublisher({ link: this.#publish, prefix: 'allocator', logger, metrics });
    this.#replier = new RpcReplier({ link: this.#publish, logger, metrics });
  }

  async start(): Promise<void> {
    const links = [this.#publish, this.#consume];
    for (const link of links) link.start();
    await Promise.all(links.map((link) => link.ready(10_000)));
    for (const prefix of ['gateway', 'auth', 'allocator']) await declareServiceTopology(this.#consume, prefix);
    await this.rpc.start();
    await this.#work('allocator', rpcQueue('allocator'), (delivery) => this.#assign(delivery));
    await this.#work('auth', rpcQueue('auth'), (delivery) => this.#invite(delivery));
    await this.#work('allocator', commandsQueue('allocator'), (delivery) => this.released.push(bodyOf(delivery)));
    for (let index = 0; index < PUSH_PARTITIONS; index++) {
      await this.#work('gateway', pushQueue(index), (delivery) => {
        this.pushed.push({ ...(bodyOf(delivery) as PushMessage), trace: traceOf(delivery) });
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
    await this.rpc.stop();
    await Promise.all([this.#publish.stop(), this.#consume.stop()]);
  }

  async #work(prefix: string, name: string, onMessage: (delivery: Delivery) => unknown): Promise<void> {
    const queue = queuesOf(serviceSpec(prefix)).find((spec) => spec.name === name);
    if (queue === undefined) throw new Error(`no queue ${name}`);
    const onDelivery = (delivery: Delivery): void => {
      onMessage(delivery);
      delivery.ack();
    };
    const consumer = new QueueConsumer({
      link: this.#consume,
      queue,
      prefetch: 10,
      declare: false,
      logger,
      metrics,
      onDelivery,
    });
    await consumer.start();
    this.#consumers.push(consumer);
  }

  #assign(delivery: Delivery): void {
    this.traces.add(traceOf(delivery));
    const { game_id } = ASSIGN_GAME.dto.parse(bodyOf(delivery));
    const leaseId = this.leases.get(game_id) ?? randomUUID();
    this.leases.set(game_id, leaseId);
    const expires = new Date(Date.now() + 60_000).toISOString();
    const value = { success: true, instance_id: INSTANCE, address: ADDRESS, lease_id: leaseId, expires_at: expires };
    this.#replier.reply(delivery, { ok: true, value: ASSIGN_GAME.reply.parse(value) });
  }

  #invite(delivery: Delivery): void {
    this.traces.add(traceOf(delivery));
    const { players } = IssueJoinTicketDto.parse(bodyOf(delivery));
    const tickets = players.map((player) => ({ ...player, join_ticket: `join-${player.player_id}` }));
    const value = { expires_at: new Date(Date.now() + 60_000).toISOString(), tickets };
    this.#replier.reply(delivery, { ok: true, value: ISSUE_JOIN_TICKET.reply.parse(value) });
  }
}

const bodyOf = (delivery: Delivery): unknown => JSON.parse(delivery.body.toString());

const traceOf = (delivery: Delivery): string => String(delivery.properties.headers?.['traceparent']).slice(3, 35);
