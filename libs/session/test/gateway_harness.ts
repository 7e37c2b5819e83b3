import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { RESOURCE } from '@warren/command-center';
import { type Contract, EXCHANGE_SERVER_KEY, GET_JWKS, type JwksReply, type Recipient } from '@warren/contracts';
import {
  type AppError,
  Container,
  hash32,
  newId,
  silentLogger,
  systemClock,
  systemRng,
  toAppError,
} from '@warren/kernel';
import {
  ConfirmedPublisher,
  type Delivery,
  declareExchanges,
  EXCHANGE,
  PUSH_PARTITIONS,
  pushKey,
  QueueConsumer,
  queuesOf,
  RabbitLink,
  RpcClient,
  RpcReplier,
  serviceSpec,
} from '@warren/rabbit';
import { RedisClient } from '@warren/redis';
import { Metrics } from '@warren/telemetry';
import { type TempRedis, type TempVhost, tempRedis, tempVhost } from '@warren/testing';
import { TokenSigner } from '@warren/tokens';
import { createGatewayServer, type GatewayServer, registerSession, type SessionSettings } from '../src/index.ts';
import { SAMPLE_REPLIES } from './sample_replies.ts';
import { TestSocket } from './test_socket.ts';

export interface RpcRequest {
  readonly name: string;
  readonly dto: unknown;
  readonly messageId: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface TestGateway {
  readonly server: GatewayServer;
  readonly url: string;
  readonly container: Container;
  readonly publisher: ConfirmedPublisher;
  /** Ends the process as a crash would: connections cut, nothing released. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export interface TestEvent {
  readonly type: string;
  readonly payload?: unknown;
  readonly messageId?: string;
}

export interface GatewayOptions {
  readonly sockets?: Partial<SessionSettings['sockets']>;
  readonly rateLimitFactor?: number;
  readonly allowedOrigins?: readonly string[];
}

const metrics = new Metrics('test');
const logger = silentLogger();
const ISSUER = 'warren-test';
const WAIT_MS = 15_000;

const SOCKETS: SessionSettings['sockets'] = {
  messagesPerSecond: 50,
  maxQueuedBytes: 262_144,
  stallMs: 1_000,
  authDeadlineMs: 1_000,
  heartbeatMs: 15_000,
  maxUnauthenticated: 100,
};

/** Real RabbitMQ and Redis, gateways in this process, and a responder in place of the services. */
export class GatewayHarness {
  readonly requests: RpcRequest[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #signer = new TokenSigner({ issuer: ISSUER });
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #handlers = new Map<string, (request: RpcRequest) => unknown>();
  readonly vhost: TempVhost;
  readonly redis: TempRedis;

  private constructor(vhost: TempVhost, redis: TempRedis) {
    this.vhost = vhost;
    this.redis = redis;
  }

  static async create(): Promise<GatewayHarness> {
    const [vhost, redis] = await Promise.all([tempVhost(), tempRedis()]);
    await declareExchanges(vhost.url);
    const harness = new GatewayHarness(vhost, redis);
    harness.answer(GET_JWKS, () => harness.#jwks());
    await harness.#respond(['auth', 'coordinator', 'allocator']);
    return harness;
  }

  /** What the services answer to a command; an AppError thrown becomes an error reply. */
  answer(contract: Contract, handler: (request: RpcRequest) => unknown): void {
    this.#handlers.set(contract.name, handler);
  }

  /** Back to the sample reply. */
  answerAsUsual(contract: Contract): void {
    this.#handlers.delete(contract.name);
  }

  playerToken(id: string = randomUUID(), lifetimeSeconds = 300): string {
    const claims = { sub: id, sid: randomUUID(), roles: ['player'], gen: 0 };
    return this.#signer.signAccessToken({ kid: 'k1', privateKey: this.#key.privateKey }, claims, lifetimeSeconds).token;
  }

  serverToken(instanceId = 'eu-1'): string {
    return this.#signer.signServerToken(
      { kid: 'k1', privateKey: this.#key.privateKey },
      { sub: instanceId, key_id: randomUUID() },
      300,
    ).token;
  }

  async gateway(options: GatewayOptions = {}): Promise<TestGateway> {
    const instance = `test-${newId()}`;
    const { publishLink, consumeLink } = await this.#links(instance);
    const publisher = new ConfirmedPublisher({ link: publishLink, prefix: 'gateway', logger, metrics });
    const rpc = new RpcClient({
      publishLink,
      user: publishLink.user,
      prefix: 'gateway',
      instance,
      logger,
      metrics,
    });
    const redis = new RedisClient({ url: this.redis.url, keyPrefix: this.redis.keyPrefix, logger, metrics });
    await Promise.all([rpc.start(), redis.ready(WAIT_MS)]);
    const container = new Container()
      .value(RESOURCE.logger, logger)
      .value(RESOURCE.metrics, metrics)
      .value(RESOURCE.clock, systemClock)
      .value(RESOURCE.rng, systemRng)
      .value(RESOURCE.instance, instance)
      .value(RESOURCE.rpc, rpc)
      .value(RESOURCE.publisher, publisher)
      .value(RESOURCE.redis, redis);
    const { sockets, rateLimitFactor = 1, allowedOrigins = [] } = options;
    registerSession(container, { tokenIssuer: ISSUER, rateLimitFactor, sockets: { ...SOCKETS, ...sockets } });
    const server = await createGatewayServer(container, {
      consumeLink,
      http: { host: '127.0.0.1', port: 0, allowedOrigins },
    });
    const url = await server.listen();
    const cut = async (): Promise<void> => {
      await Promise.allSettled([publishLink.stop(), consumeLink.stop()]);
      redis.commands.disconnect();
    };
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= server.close().then(cut));
    this.#closers.push(close);
    return { server, url, container, publisher, close, crash: cut };
  }

  /** Publishes a must-deliver event as a service's outbox would. */
  async push(gateway: TestGateway, recipient: Recipient, event: TestEvent): Promise<void> {
    const body = Buffer.from(JSON.stringify({ recipient, type: event.type, payload: event.payload ?? {} }));
    await this.pushRaw(gateway, recipient, body, event.messageId);
  }

  /** Publishes any bytes where the events of a recipient go. */
  async pushRaw(gateway: TestGateway, recipient: Recipient, body: Buffer, messageId: string = newId()): Promise<void> {
    const key = pushKey(hash32(recipient) % PUSH_PARTITIONS);
    const message = { exchange: EXCHANGE.push, key, body, messageId, type: 'test.pushed@1', persistent: true };
    const outcome = await gateway.publisher.publish(message);
    if (outcome !== 'confirmed') throw new Error(`the push was ${outcome}`);
  }

  async ticket(gateway: TestGateway, token: string): Promise<string> {
    const response = await fetch(`${gateway.url}/v1/ws-tickets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    const body: unknown = await response.json();
    if (response.status !== 201 || typeof body !== 'object' || body === null || !('ticket' in body))
      throw new Error(JSON.stringify(body));
    return String(body.ticket);
  }

  /** A client that has shown its ticket and was welcomed. */
  async connect(gateway: TestGateway, token: string, path = '/v1/ws'): Promise<TestSocket> {
    const socket = await TestSocket.open(gateway, path);
    socket.send({ auth: { ticket: await this.ticket(gateway, token) } });
    await socket.next((frame) => 'welcome' in frame);
    return socket;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close().catch(() => undefined);
    await this.redis.drop();
    await this.vhost.drop();
  }

  async #links(name: string): Promise<{ publishLink: RabbitLink; consumeLink: RabbitLink }> {
    const make = async (role: 'publish' | 'consume'): Promise<RabbitLink> => {
      const link = new RabbitLink({ url: this.vhost.url, role, name: `${name}.${role}`, logger, metrics });
      link.start();
      await link.ready(WAIT_MS);
      this.#closers.push(() => link.stop());
      return link;
    };
    const [publishLink, consumeLink] = await Promise.all([make('publish'), make('consume')]);
    return { publishLink, consumeLink };
  }

  #jwks(): JwksReply {
    const jwk = this.#key.publicKey.export({ format: 'jwk' });
    return { keys: [{ kty: 'EC', crv: 'P-256', x: jwk.x ?? '', y: jwk.y ?? '', kid: 'k1', alg: 'ES256', use: 'sig' }] };
  }

  async #respond(prefixes: readonly string[]): Promise<void> {
    const { publishLink, consumeLink } = await this.#links('responder');
    const replier = new RpcReplier({ link: publishLink, logger, metrics });
    const onDelivery = (delivery: Delivery): void => void this.#reply(replier, delivery);
    for (const prefix of prefixes) {
      const queue = queuesOf(serviceSpec(prefix)).find((spec) => spec.name === `${prefix}.rpc`);
      if (queue === undefined) throw new Error(`no rpc queue of ${prefix}`);
      await new QueueConsumer({
        link: consumeLink,
        queue,
        prefetch: 32,
        declare: true,
        onDelivery,
        logger,
        metrics,
      }).start();
    }
    while (!replier.ready) await systemClock.sleep(10);
  }

  async #reply(replier: RpcReplier, delivery: Delivery): Promise<void> {
    const { messageId, headers = {} } = delivery.properties;
    const dto: unknown = JSON.parse(delivery.body.toString());
    const request = { name: delivery.key, dto, messageId, headers };
    if (request.name !== GET_JWKS.name && request.name !== EXCHANGE_SERVER_KEY.name) this.requests.push(request);
    try {
      replier.reply(delivery, {
        ok: true,
        value: await (this.#handlers.get(request.name)?.(request) ?? SAMPLE_REPLIES.get(request.name)),
      });
    } catch (error) {
      const known: AppError = toAppError(error);
      replier.reply(delivery, { ok: false, error: known });
    }
    delivery.ack();
  }
}
