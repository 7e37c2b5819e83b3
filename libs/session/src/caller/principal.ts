import type { Recipient } from '@warren/contracts';
import type { Actor } from '@warren/rabbit';

/** Who a verified token or ticket belongs to. `expiresAt` is epoch milliseconds. */
export type Principal =
  | {
      readonly kind: 'player';
      readonly id: string;
      readonly sessionId: string;
      readonly roles: readonly string[];
      readonly expiresAt: number;
    }
  | { readonly kind: 'server'; readonly id: string; readonly expiresAt: number };

export const ANONYMOUS = { kind: 'anonymous' } as const;

export type Caller = Principal | typeof ANONYMOUS;

/** The actor that the called service sees. */
export function actorOf(caller: Caller): Actor {
  if (caller.kind === 'player')
    return { kind: 'player', id: caller.id, sessionId: caller.sessionId, roles: caller.roles };
  return caller.kind === 'server' ? { kind: 'server', id: caller.id } : caller;
}

/** The address of a principal for pushed events. */
export const recipientOf = (principal: Principal): Recipient => `${principal.kind}:${principal.id}`;
