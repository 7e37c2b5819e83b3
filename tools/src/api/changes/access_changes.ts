import { isRecord, listOf, textOf } from '../json_document.ts';

/** Who may call: everybody, or players (with one of these roles), game servers, services. */
export interface AccessFacts {
  readonly kind: string;
  /** One of them is needed; none: every caller of this kind. */
  readonly roles: readonly string[];
}

/** Kind of the access that needs no login. */
export const ANYBODY = 'anonymous';

/** The access of `x-rules` in AsyncAPI. */
export function accessOf(value: unknown): AccessFacts {
  if (!isRecord(value)) return { kind: ANYBODY, roles: [] };
  return { kind: textOf(value['kind']), roles: listOf(value['roles']).map(String) };
}

/** The alternatives of `security` in OpenAPI; an empty list means anybody. */
export function accessesOf(security: unknown): AccessFacts[] {
  const alternatives = listOf(security).filter(isRecord);
  if (alternatives.length === 0) return [{ kind: ANYBODY, roles: [] }];
  return alternatives.flatMap((one) =>
    Object.entries(one).map(([kind, roles]) => ({ kind, roles: listOf(roles).map(String) })),
  );
}

/** Callers who may no longer call, in words: `players`, `players who are admin`. */
export function lostAccess(before: readonly AccessFacts[], after: readonly AccessFacts[]): string[] {
  return before.flatMap((old) => (after.some((now) => covers(now, old)) ? [] : [words(old)]));
}

function covers(now: AccessFacts, old: AccessFacts): boolean {
  if (now.kind === ANYBODY) return true;
  if (now.kind !== old.kind) return false;
  if (now.roles.length === 0) return true;
  return old.roles.length > 0 && old.roles.every((role) => now.roles.includes(role));
}

const WORDS: Readonly<Record<string, string>> = {
  [ANYBODY]: 'callers without a login',
  player: 'players',
  server: 'game servers',
  service: 'services',
};

const words = ({ kind, roles }: AccessFacts): string =>
  `${WORDS[kind] ?? kind}${roles.length === 0 ? '' : ` who are ${roles.join(' or ')}`}`;
