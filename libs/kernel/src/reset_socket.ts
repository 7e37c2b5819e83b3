import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Ends a connection at once: the other side sees a reset, and what waits to be sent is dropped. A socket of TLS, one that
 * is still connecting and one that has said goodbye are destroyed instead. `close` follows in every case.
 *
 * Not by `resetAndDestroy`: on a socket that is saying goodbye Node gives the reset up (`reset EINVAL`) and never closes it.
 */
export function resetSocket(socket: Socket): void {
  // what resetAndDestroy sets before it says goodbye; where Node should know it no longer, the socket is destroyed
  if (canReset(socket)) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}

/** Where it cannot, Node would throw, or give up without closing. */
function canReset(socket: Socket): boolean {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket) return false;
  return !socket.connecting && !socket.destroyed && !socket.writableEnded;
}
