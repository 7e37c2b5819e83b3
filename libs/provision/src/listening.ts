import fs from 'node:fs';
import { identifyProcess, type ProcessIdentity } from './process_identity.ts';

const LISTEN_STATE = '0A';

function socketInodes(table: string, ports: ReadonlySet<number>): string[] {
  const lines = readLines(table).map((line) => line.trim().split(/\s+/));
  return lines
    .filter((fields) => fields[3] === LISTEN_STATE && ports.has(Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)))
    .map((fields) => fields[9] ?? '');
}

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function holdsSocket(pid: string, links: ReadonlySet<string>): boolean {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).some((fd) => links.has(linkTarget(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

function linkTarget(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

/** The processes that listen on one of the TCP ports. Linux only, and only root sees those of other users. */
export function listenersOn(ports: ReadonlySet<number>): ProcessIdentity[] {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => socketInodes(table, ports));
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  if (links.size === 0) return [];
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && holdsSocket(name, links))
    .map((name) => identifyProcess(Number(name)))
    .filter((identity) => identity !== undefined);
}
