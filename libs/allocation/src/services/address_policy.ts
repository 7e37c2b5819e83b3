import { BlockList, isIP } from 'node:net';
import { AppError } from '@warren/kernel';

const MAX_PATTERNS = 256;

/** Loopback and private networks: the default outside of production. */
export const DEVELOPMENT_ADDRESSES: readonly string[] = [
  'localhost',
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fd00::/8',
];

/** Never sent to players, whatever the settings allow: link-local (cloud metadata), unspecified, multicast, broadcast. */
const NEVER: readonly string[] = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '224.0.0.0/3',
  '::/128',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
];

const NEVER_HOSTS =
  /(?:^|\.)(?:metadata|metadata\.google\.internal|metadata\.goog|instance-data(?:\.[a-z0-9-]+)*\.internal)$/;
/** The host as every parser reads it: a backslash, `@` or white space is where parsers part ways. */
const PLAIN = /^wss?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?(?:[/?][\x21-\x5b\x5d-\x7e]*)?$/i;
const HOST_PATTERN = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/**
 * Decides to which addresses players may be sent. Names are compared as text and never resolved: what a name resolves to
 * when it is checked says nothing about later, so only names that the operator listed pass.
 */
export class AddressPolicy {
  readonly #never = new BlockList();
  readonly #networks = new BlockList();
  readonly #hosts: string[] = [];

  /** @throws AppError SETTINGS_INVALID for an entry that is neither a CIDR, an IP address nor a host pattern */
  constructor(allowed: readonly string[]) {
    if (allowed.length > MAX_PATTERNS) throw unusable(`holds more than ${MAX_PATTERNS} entries`);
    for (const entry of NEVER) addNetwork(this.#never, entry);
    for (const entry of allowed) this.#add(entry.trim().toLowerCase());
  }

  /** Whether `address` (`ws://host:port/path` or `wss://…`) is one that players may be sent to. */
  allows(address: string): boolean {
    const url = URL.parse(address);
    if (url === null || !['ws:', 'wss:'].includes(url.protocol)) return false;
    if (url.port === '0' || !isPlain(address, url.hostname)) return false;
    const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const family = isIP(host);
    if (family === 0) return !NEVER_HOSTS.test(host) && this.#hosts.some((pattern) => matches(host, pattern));
    const version = family === 4 ? 'ipv4' : 'ipv6';
    return !this.#never.check(host, version) && this.#networks.check(host, version);
  }

  #add(entry: string): void {
    if (addNetwork(this.#networks, entry)) return;
    if (!HOST_PATTERN.test(entry)) throw unusable(`has an entry that is no CIDR and no host pattern: ${entry}`);
    this.#hosts.push(entry);
  }
}

/**
 * Whether the text names the host that was judged, also for a client whose parser is not a browser's: `127.1`,
 * `0177.0.0.1` and `127.0.0.1\@evil.example` are other hosts to some of them.
 */
function isPlain(address: string, hostname: string): boolean {
  const written = PLAIN.exec(address)?.[1]?.toLowerCase();
  return written !== undefined && (written.startsWith('[') || written === hostname);
}

/** @returns false when the entry is no network at all */
function addNetwork(list: BlockList, entry: string): boolean {
  const slash = entry.indexOf('/');
  const network = slash < 0 ? entry : entry.slice(0, slash);
  const family = isIP(network);
  if (family === 0) return false;
  const longest = family === 4 ? 32 : 128;
  const bits = slash < 0 ? String(longest) : entry.slice(slash + 1);
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > longest) throw unusable(`has a network that cannot be read: ${entry}`);
  list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return true;
}

function matches(host: string, pattern: string): boolean {
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
  return host === pattern;
}

function unusable(problem: string): AppError {
  return new AppError('SETTINGS_INVALID', `Settings are not usable: ALLOCATOR_ALLOWED_ADDRESSES ${problem}.`, {
    kind: 'internal',
  });
}
