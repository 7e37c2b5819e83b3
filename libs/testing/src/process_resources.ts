import fs from 'node:fs';

/** What a process holds open, by the kernel's word. */
export interface ProcessResources {
  /** Connected TCP sockets by the port at their other end; of ports that were not named, `other`. */
  readonly sockets: Readonly<Record<string, number>>;
  /** Open file descriptors that are not connected TCP sockets. */
  readonly files: number;
  readonly residentBytes: number;
}

const ESTABLISHED = '01';
const CLOSE_WAIT = '08';
const PAGE_BYTES = 4096;
const HELD = new Set([ESTABLISHED, CLOSE_WAIT]);

/** Inode → remote port of every TCP socket of this machine that holds a connection or has not noticed its end. */
function remotePorts(): Map<string, number> {
  const ports = new Map<string, number>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of fs.readFileSync(file, 'utf8').split('\n').slice(1)) {
      const [, , remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      if (HELD.has(state)) ports.set(inode, Number.parseInt(remote.slice(remote.lastIndexOf(':') + 1), 16));
    }
  }
  return ports;
}

function openFiles(pid: number): string[] {
  const dir = `/proc/${pid}/fd`;
  return fs.readdirSync(dir).flatMap((name) => {
    try {
      return [fs.readlinkSync(`${dir}/${name}`)];
    } catch {
      // closed since the folder was read
      return [];
    }
  });
}

/**
 * Looks at a running process. `ports` names the ports of its servers: `{ 5672: 'broker' }`. Linux only: undefined where
 * there is no /proc, and for a process that has ended.
 */
export function processResources(pid: number, ports: Readonly<Record<number, string>>): ProcessResources | undefined {
  try {
    const remotes = remotePorts();
    const sockets: Record<string, number> = {};
    let files = 0;
    for (const target of openFiles(pid)) {
      const port = remotes.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '');
      if (port === undefined) files += 1;
      else sockets[ports[port] ?? 'other'] = (sockets[ports[port] ?? 'other'] ?? 0) + 1;
    }
    const pages = Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return { sockets, files, residentBytes: pages * PAGE_BYTES };
  } catch {
    return undefined;
  }
}
