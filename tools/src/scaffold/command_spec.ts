import type { HttpRoute } from '@warren/contracts';
import type { ServiceSpec } from '@warren/rabbit';
import { isRead, type Rule } from './rules.ts';
import type { Words } from './words.ts';

export const ACCESS = ['player', 'server', 'service', 'anonymous'] as const;
export type AccessKind = (typeof ACCESS)[number];
export const WAYS = ['rpc', 'command'] as const;

/** What a person asked for. */
export interface CommandWish {
  /** `grant_item`. */
  readonly name: string;
  readonly access: AccessKind;
  readonly way: (typeof WAYS)[number];
  /** Services that may send it, with access `service`. */
  readonly callers: readonly string[];
  readonly rule?: Rule;
  /** `POST /v1/…`; the usual route of the rule unless given. */
  readonly http?: string;
}

/** The same, complete and without contradictions, before it has routes. */
export interface CommandBase extends Pick<CommandWish, 'access' | 'way' | 'callers'> {
  readonly command: Words;
  readonly verb: string;
  readonly noun: Words;
  readonly nouns: Words;
  readonly prefix: string;
  /** `inventory.grant_item`. */
  readonly name: string;
  readonly rule: Rule;
}

export interface CommandSpec extends CommandBase {
  readonly http: HttpRoute | undefined;
  readonly ws: string | undefined;
}

/** What a new command must not collide with. */
interface KnownContract {
  readonly name: string;
  readonly http?: HttpRoute | undefined;
  readonly ws?: string | undefined;
}

export interface CommandWorld {
  readonly prefix: string;
  /** Whether the domain has a repository for a noun already. */
  readonly knows: (noun: string) => boolean;
  readonly contracts: readonly KnownContract[];
  readonly services: readonly Pick<ServiceSpec, 'prefix'>[];
}

/** Fields of the DTO, by rule and access. */
export function fieldsOf({ rule, access, noun }: CommandBase): string[] {
  const owner = access === 'player' || isRead(rule) ? [] : ['player_id'];
  const id = rule === 'add' ? [] : [`${noun.snake}_id`];
  const name = rule === 'add' || rule === 'rename' ? ['name'] : [];
  return [...owner, ...id, ...name];
}
