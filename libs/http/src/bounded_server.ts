import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Requests that one connection may send ahead of their answers. Node parses whatever came in one read (64 KiB, thousands
 * of small requests) before it looks at what waits to be written, so a client that never reads would fill the memory.
 */
const MAX_PIPELINED_REQUESTS = 64;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server whose connections are cut when they have more requests under way than `MAX_PIPELINED_REQUESTS`. */
export function createBoundedServer(options: ServerOptions, handler: Handler): Server {
  const underWay = new WeakMap<Socket, number>();
  return createServer(options, (request, response) => {
    const { socket } = request;
    // what came in the same read as the request that was too many is parsed all the same
    if (socket.destroyed) return;
    const count = (underWay.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED_REQUESTS) {
      socket.destroy();
      return;
    }
    underWay.set(socket, count);
    response.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
    handler(request, response);
  });
}
