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
