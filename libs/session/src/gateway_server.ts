import { RESOURCE } from '@warren/command-center';
import { CONTRACTS, type Contract } from '@warren/contracts';
import {
  type CallerInfo,
  commonError,
  createHttpServer,
  type HttpServer,
  type HttpServerDeps,
  type RouteReply,
} from '@warren/http';
import type { Container } from '@warren/kernel';
import type { RabbitLink } from '@warren/rabbit';
import { gatewayDocuments, JWKS_ROUTE, TICKET_ROUTE, TICKETS_PER_MINUTE } from './api_documents.ts';
import { JWKS_FRESH_SECONDS } from './caller/jwks.ts';
import { PushDelivery } from './push/push_delivery.ts';
import { SESSION } from './session_container.ts';
import type { Door } from './sockets/client_connection.ts';
import { TICKET_TTL_SECONDS } from './sockets/ws_tickets.ts';

/** Contracts by the message type of players: only what they name themselves. */
const playerDoor = (contracts: readonly Contract[]): Door => ({
  kind: 'player',
  messages: new Map(
    contracts.flatMap((contract) =>
      isFor(contract, 'player') && contract.ws !== undefined ? [[contract.ws, contract]] : [],
    ),
  ),
});

/** Game servers may send every command that they may call, by its name. */
const serverDoor = (contracts: readonly Contract[]): Door => ({
  kind: 'server',
  messages: new Map(contracts.flatMap((contract) => (isFor(contract, 'server') ? [[contract.name, contract]] : []))),
});

const isFor = (contract: Contract, kind: Door['kind']): boolean =>
  contract.exposure === 'public' && contract.access.kind === kind;

/** What a gateway needs beside what its container holds. */
export interface GatewayServerDeps {
  readonly consumeLink: RabbitLink;
  readonly http: Omit<HttpServerDeps, 'logger' | 'metrics'>;
  readonly contracts?: readonly Contract[];
}

/** The public face of Warren: HTTP, WebSockets, and the delivery of pushed events. */
export class GatewayServer {
  readonly #container: Container;
  readonly #http: HttpServer;
  readonly #push: PushDelivery;

  /** Use createGatewayServer. */
  constructor(container: Container, http: HttpServer, push: PushDelivery) {
    this.#container = container;
    this.#http = http;
    this.#push = push;
  }

  get url(): string {
    return this.#http.url;
  }

  /** Push partitions that this gateway consumes at this moment. */
  get partitions(): readonly number[] {
    return this.#push.partitions;
  }

  /** Declares the gateway's queues, then listens. @returns the base address */
  async listen(): Promise<string> {
    await this.#push.start();
    this.#container.resolve(SESSION.hub).start(this.#push.nodes);
    // not awaited: a gateway may start before auth-svc does, and the first token fetches the keys again
    this.#container
      .resolve(SESSION.verifier)
      .load()
      .catch(() => undefined);
    return this.#http.listen();
  }

  /** Takes no new connections. */
  stopAccepting(): void {
    this.#http.stopAccepting();
  }

  /** Hands its push queues over, answers what is under way, says goodbye to sockets, ends. */
  async close(): Promise<void> {
    this.stopAccepting();
    await Promise.all([this.#push.stopConsuming(), this.#container.resolve(SESSION.hub).shutdown()]);
    await this.#push.stop();
    await this.#http.close();
  }
}

/** Builds the server from a container that registerSession has filled. */
export async function createGatewayServer(container: Container, deps: GatewayServerDeps): Promise<GatewayServer> {
  const contracts = deps.contracts ?? CONTRACTS;
  const shared = { logger: container.resolve(RESOURCE.logger), metrics: container.resolve(RESOURCE.metrics) };
  const hub = container.resolve(SESSION.hub);
  const http = await createHttpServer({ ...deps.http, ...shared });
  http.contractRoutes(contracts, container.resolve(SESSION.caller));
  addOwnRoutes(container, http);
  for (const [path, door] of [
    ['/v1/ws', playerDoor(contracts)] as const,
    ['/v1/servers/ws', serverDoor(contracts)] as const,
  ]) {
    http.socket({
      path,
      admit: (caller) => hub.admit(caller),
      open: (socket, admitted) => hub.accept(socket, door, admitted),
    });
  }
  http.documents(gatewayDocuments(contracts));
  const push = new PushDelivery({
    ...shared,
    instance: container.resolve(RESOURCE.instance),
    consumeLink: deps.consumeLink,
    publisher: container.resolve(RESOURCE.publisher),
    redis: container.resolve(RESOURCE.redis),
    ring: container.resolve(SESSION.ring),
    leases: container.resolve(SESSION.leases),
    onHint: (hint) => hub.onHint(hint),
    clock: container.resolve(RESOURCE.clock),
    rng: container.resolve(RESOURCE.rng),
  });
  return new GatewayServer(container, http, push);
}

function addOwnRoutes(container: Container, http: HttpServer): void {
  http.route({ method: 'POST', path: TICKET_ROUTE.path, handle: (caller) => issueTicket(container, caller) });
  http.route({
    method: 'GET',
    path: JWKS_ROUTE.path,
    handle: async () => {
      const body = await container.resolve(SESSION.jwks).published();
      return { status: 200, body, headers: { 'cache-control': `public, max-age=${JWKS_FRESH_SECONDS}` } };
    },
  });
}

async function issueTicket(container: Container, caller: CallerInfo): Promise<RouteReply> {
  if (caller.bearer === undefined) throw commonError('ACCESS_UNAUTHENTICATED');
  const principal = await container.resolve(SESSION.authenticator).authenticate(caller.bearer);
  await container.resolve(SESSION.limits).takeFor(`${principal.kind}:${principal.id}:ws_ticket`, TICKETS_PER_MINUTE);
  const ticket = await container.resolve(SESSION.tickets).issue(principal);
  return { status: 201, body: { ticket, expires_in: TICKET_TTL_SECONDS }, headers: { 'cache-control': 'no-store' } };
}
