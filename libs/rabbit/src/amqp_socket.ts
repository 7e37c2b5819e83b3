import { Socket } from 'node:net';
import type { Connection } from 'amqplib';

/**
 * The socket under a connection. amqplib does not promise this field, so it is looked at and never assumed: without it
 * the silence watchdog is off and amqplib's own heartbeat check is what remains.
 */
export function socketOf(connection: Connection): Socket | undefined {
  if (!('stream' in connection)) return undefined;
  return connection.stream instanceof Socket ? connection.stream : undefined;
}

/** Whether the broker said `connection.blocked` in the same packet as `open-ok`, before anybody could listen. */
export const isBlocked = (connection: Connection): boolean => 'blocked' in connection && connection.blocked === true;

/**
 * Sends what is written in one turn of the event loop as one packet. amqplib hands its frames to the socket one by one,
 * and without Nagle each of them would be a system call and a packet of its own.
 */
export function gatherWrites(socket: Socket): void {
  const write = socket.write.bind(socket);
  let gathering = false;
  const release = (): void => {
    gathering = false;
    socket.uncork();
  };
  socket.write = (chunk: Uint8Array | string): boolean => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      process.nextTick(release);
    }
    return write(chunk);
  };
}
