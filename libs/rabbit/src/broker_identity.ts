import { SERVICES } from './topology.ts';

/** Users that set up and repair, beside one user per service. */
export const SETUP_USERS = ['topology', 'ops'] as const;

/** Who a process is on the broker. */
export interface BrokerIdentity {
  readonly user: string;
  /** What stands before the service prefix where clones share one broker; `''` where they do not. */
  readonly userPrefix: string;
  /** The service, or `topology` or `ops`; `''` in single-user mode when it was not given. */
  readonly prefix: string;
  /** One user for every service: no rights are separated. Development only. */
  readonly singleUser: boolean;
}

const DEFAULT_USER = 'guest';

export function userNameOf(url: string): string {
  const name = new URL(url).username;
  return name === '' ? DEFAULT_USER : decodeURIComponent(name);
}

/** Reads the identity out of the user name: `w1a2b3-auth` is service `auth` of the clone `w1a2b3-`. */
export function userOf(url: string, prefix?: string): BrokerIdentity {
  return identityOf(userNameOf(url), prefix);
}

/** As `userOf`, of a user name. */
export function identityOf(user: string, prefix?: string): BrokerIdentity {
  const known = prefix === undefined ? [...SERVICES.map((service) => service.prefix), ...SETUP_USERS] : [prefix];
  const found = known.find((candidate) => user.endsWith(candidate));
  if (found === undefined) return { user, userPrefix: '', prefix: prefix ?? '', singleUser: true };
  return { user, userPrefix: user.slice(0, user.length - found.length), prefix: found, singleUser: false };
}

/** The broker user of a service that is on the same broker as `identity`. */
export const userOfService = (identity: BrokerIdentity, prefix: string): string =>
  identity.singleUser ? identity.user : identity.userPrefix + prefix;
