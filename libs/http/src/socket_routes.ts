import websocket from '@fastify/websocket';
import { CLOSE_CODES, MAX_FRAGMENTS, MAX_FRAME_BYTES, SUBPROTOCOL } from '@warren/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { WebSocket } from 'ws';
import { type CallerInfo, callerOf } from './call_port.ts';
import { commonError } from './problem.ts';
import { headerOf, inContextOf } from './request_context.ts';
import type { RouteIndex } from './route_index.ts';
import { ServerSocket } from './server_socket.ts';
import { SocketHeartbeat } from './socket_heartbeat.ts';

/** Chunks of one message that wait in memory: without it 16 KiB in one-byte pieces cost kilobytes each. */
const MAX_BUFFERED_CHUNKS = 1_024;
/** ws's own wait for the answer to a close frame; ServerSocket cuts earlier where nothing is amiss. */
const CLOSE_TIMEOUT_MS = 10_000;
const POLICY_VIOLATION = 1008;
const MESSAGE_TOO_BIG = 1009;

export interface SocketOptions {
  /** Exact origins (`https://game.example`) from which pages may connect. Programs send no Origin and are let through. */
  readonly allowedOrigins: readonly string[];
  readonly heartbeatMs: number;
}

/** One WebSocket address. `Admitted` is what admission found out and the connection starts with. */
export interface SocketRoute<Admitted> {
  readonly path: string;
  /** Before the upgrade. @throws AppError, which the client receives as a problem document */
  admit(caller: CallerInfo): Promise<Admitted>;
  /** After the upgrade: attach the listener at once. */
  open(socket: ServerSocket, admitted: Admitted): void;
}

/** Closes with the protocol's own code where ws would say 1008 (fragments) or 1009 (size). */
class BoundedWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code === POLICY_VIOLATION || code === MESSAGE_TOO_BIG ? CLOSE_CODES.tooBig : code, reason);
  }
}

/** WebSocket server with every bound set; to be registered before any route. */
export async function addSocketServer(app: FastifyInstance): Promise<void> {
  // options of ws 8.23 that its types do not know
  const untyped: object = { closeTimeout: CLOSE_TIMEOUT_MS, WebSocket: BoundedWebSocket };
  await app.register(websocket, {
    options: {
      maxPayload: MAX_FRAME_BYTES,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_BUFFERED_CHUNKS,
      perMessageDeflate: false,
      autoPong: false,
      clientTracking: true,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
      ...untyped,
    },
    // a broken frame is the client's fault: ws has closed the socket already
    errorHandler: (error) => app.log.debug({ err: error }, 'a socket ended in an error'),
    preClose(done) {
      for (const client of app.websocketServer.clients) client.terminate();
      app.websocketServer.close();
      done();
    },
  });
  app.addHook('onRequest', (request, _reply, done) => {
    const refused = request.ws && request.routeOptions.config.socket !== true;
    done(refused ? commonError('ROUTE_NOT_FOUND', { message: 'There is no WebSocket at this address.' }) : undefined);
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes WebSocket upgrades. */
    readonly socket?: boolean;
  }
}

/** Adds WebSocket addresses that share one heartbeat. */
export class SocketRoutes {
  readonly #app: FastifyInstance;
  readonly #routes: RouteIndex;
  readonly #origins: ReadonlySet<string>;
  readonly #heartbeat: SocketHeartbeat;

  constructor(app: FastifyInstance, routes: RouteIndex, options: SocketOptions) {
    this.#app = app;
    this.#routes = routes;
    this.#origins = new Set(options.allowedOrigins);
    this.#heartbeat = new SocketHeartbeat(options.heartbeatMs);
    app.addHook('onClose', (_instance, done) => {
      this.#heartbeat.stop();
      done();
    });
  }

  add<Admitted>(route: SocketRoute<Admitted>): void {
    const admitted = new WeakMap<FastifyRequest, { readonly value: Admitted }>();
    this.#routes.add('GET', route.path);
    this.#app.route({
      method: 'GET',
      url: route.path,
      config: { socket: true },
      onRequest: async (request) => {
        this.#checkUpgrade(request);
        admitted.set(request, { value: await inContextOf(request, () => route.admit(callerOf(request))) });
      },
      handler: () => {
        throw commonError('REQUEST_INVALID', { message: 'Connect here with a WebSocket.' });
      },
      wsHandler: (client, request) => {
        const entry = admitted.get(request);
        if (entry === undefined) return client.terminate();
        const socket = new ServerSocket({ ws: client, stream: request.raw.socket });
        client.once('close', this.#heartbeat.add(socket));
        route.open(socket, entry.value);
      },
    });
  }

  #checkUpgrade(request: FastifyRequest): void {
    if (!request.ws) throw commonError('REQUEST_INVALID', { message: 'Connect here with a WebSocket.' });
    const { origin } = request.headers;
    if (origin !== undefined && !this.#origins.has(origin)) {
      throw commonError('ACCESS_FORBIDDEN', { message: 'This origin may not connect.' });
    }
    const offered = (headerOf(request, 'sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
    if (!offered.includes(SUBPROTOCOL))
      throw commonError('REQUEST_INVALID', { message: `Offer the subprotocol ${SUBPROTOCOL}.` });
    if (request.url.includes('?')) {
      throw commonError('REQUEST_INVALID', {
        message: 'Nothing belongs into the address: send the ticket in the first frame.',
      });
    }
  }
}
