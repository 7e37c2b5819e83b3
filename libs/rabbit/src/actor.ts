/** On whose behalf a command runs. */
export type Actor =
  | { readonly kind: 'player'; readonly id: string; readonly sessionId?: string; readonly roles: readonly string[] }
  | { readonly kind: 'server'; readonly id: string }
  | { readonly kind: 'service'; readonly id: string }
  | { readonly kind: 'anonymous' };

const ACTOR_HEADER = 'warren-actor';
const SESSION_HEADER = 'warren-session';
const ROLES_HEADER = 'warren-roles';

const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const ROLE = /^[a-z][a-z0-9_]{0,31}$/;
const MAX_ROLES = 32;

export type ActorHeaders = Readonly<Record<string, string>>;

/** @throws TypeError when an id or role would not be understood by `decodeActor` */
export function encodeActor(actor: Actor): ActorHeaders {
  if (actor.kind === 'anonymous') return { [ACTOR_HEADER]: 'anonymous' };
  const headers: Record<string, string> = { [ACTOR_HEADER]: `${actor.kind}:${checked(actor.id, ID)}` };
  if (actor.kind !== 'player') return headers;
  if (actor.sessionId !== undefined) headers[SESSION_HEADER] = checked(actor.sessionId, ID);
  if (actor.roles.length > MAX_ROLES) throw new TypeError(`an actor has more than ${MAX_ROLES} roles`);
  if (actor.roles.length > 0) headers[ROLES_HEADER] = actor.roles.map((role) => checked(role, ROLE)).join(',');
  return headers;
}

/**
 * The actor of a received message, or undefined when its headers are not exactly what `encodeActor` writes. A message
 * without these headers comes from a service that acts for itself.
 */
export function decodeActor(headers: Readonly<Record<string, unknown>> | undefined, sender: string): Actor | undefined {
  const actor = headers?.[ACTOR_HEADER];
  const session = headers?.[SESSION_HEADER];
  const roles = headers?.[ROLES_HEADER];
  const plain = session === undefined && roles === undefined;
  if (actor === undefined) return plain ? { kind: 'service', id: sender } : undefined;
  if (typeof actor !== 'string') return undefined;
  if (actor.startsWith('player:')) return decodePlayer(actor.slice('player:'.length), session, roles);
  return plain ? decodeOther(actor) : undefined;
}

function decodeOther(actor: string): Actor | undefined {
  if (actor === 'anonymous') return { kind: 'anonymous' };
  const colon = actor.indexOf(':');
  const kind = actor.slice(0, Math.max(0, colon));
  const id = actor.slice(colon + 1);
  return (kind === 'server' || kind === 'service') && ID.test(id) ? { kind, id } : undefined;
}

function decodePlayer(id: string, session: unknown, roles: unknown): Actor | undefined {
  const list = decodeRoles(roles);
  if (list === undefined || !ID.test(id)) return undefined;
  if (session === undefined) return { kind: 'player', id, roles: list };
  return typeof session === 'string' && ID.test(session)
    ? { kind: 'player', id, sessionId: session, roles: list }
    : undefined;
}

const NO_ROLES: readonly string[] = Object.freeze([]);

function decodeRoles(roles: unknown): readonly string[] | undefined {
  if (roles === undefined) return NO_ROLES;
  if (typeof roles !== 'string') return undefined;
  const list = roles.split(',');
  return list.length <= MAX_ROLES && list.every((role) => ROLE.test(role)) ? list : undefined;
}

function checked(value: string, pattern: RegExp): string {
  if (!pattern.test(value)) throw new TypeError(`"${value.slice(0, 64)}" cannot stand in an actor header`);
  return value;
}
