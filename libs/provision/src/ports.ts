import { randomInt } from 'node:crypto';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ProvisionError } from './provision_error.ts';

/**
 * Below 32768, where Linux begins to give ports to outgoing connections: a listener there may find its port taken
 * after a restart.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;
const MAX_ATTEMPTS = 200;
const POLL_MS = 100;
const PROBE_MS = 500;

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether a connection to the port is accepted within `ms`. */
export function probePort(host: string, port: number, ms: number = PROBE_MS): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const finish = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(ms, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/** Whether nobody uses the port: neither on loopback nor on all addresses. */
export async function isPortFree(port: number): Promise<boolean> {
  // Asking for all addresses as well finds a listener that took the wildcard with reuse switched on.
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '0.0.0.0'));
}

/**
 * A free TCP port from 20000 to 32767, other than those in `taken`. Chosen by chance, so that two programs that ask
 * at once seldom get the same.
 */
export async function freePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new ProvisionError('PROVISION_NO_FREE_PORT', `No free port was found between ${FIRST_PORT} and ${LAST_PORT}.`);
}

/** `preferred` when it is free, otherwise another free port. */
export async function freePortNear(
  preferred: number | undefined,
  taken: ReadonlySet<number> = new Set(),
): Promise<number> {
  if (preferred !== undefined && !taken.has(preferred) && (await isPortFree(preferred))) return preferred;
  return freePort(taken);
}

/** Waits until the port accepts connections; false when it does not within `ms`. */
export async function waitForPort(host: string, port: number, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (await probePort(host, port)) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** Waits until nobody uses the port; false when somebody still does after `ms`. */
export async function waitForFreePort(port: number, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await isPortFree(port))) {
    if (performance.now() >= end) return false;
    await delay(POLL_MS);
  }
  return true;
}
