import { Refusal } from './refusal.ts';

/** A user with RabbitMQ's permission triple and topic permissions: regular expressions. What is absent is allowed. */
export interface MemoryUser {
  readonly name: string;
  /** Any password will do where none is set. */
  readonly password?: string;
  readonly configure?: string;
  readonly write?: string;
  readonly read?: string;
  readonly topics?: readonly { readonly exchange: string; readonly write: string; readonly read: string }[];
}

export type Right = 'configure' | 'write' | 'read';

/** What one user may do in one vhost. */
export class Rights {
  readonly user: string;
  readonly #vhost: string;
  readonly #rights: Readonly<Record<Right, RegExp | undefined>>;
  readonly #topics: ReadonlyMap<string, Readonly<Record<'write' | 'read', RegExp>>>;

  constructor(user: MemoryUser, vhost: string) {
    this.user = user.name;
    this.#vhost = vhost;
    this.#rights = { configure: regExp(user.configure), write: regExp(user.write), read: regExp(user.read) };
    const topics = user.topics ?? [];
    this.#topics = new Map(
      topics.map(({ exchange, write, read }) => [exchange, { write: fromPcre(write), read: fromPcre(read) }]),
    );
  }

  /** @throws Refusal 403 */
  check(right: Right, kind: 'exchange' | 'queue', name: string): void {
    const shown = kind === 'exchange' && name === '' ? 'amq.default' : name;
    const allowed = this.#rights[right];
    if (allowed === undefined || allowed.test(shown)) return;
    throw new Refusal(403, `access to ${kind} '${shown}' in vhost '${this.#vhost}' refused for user '${this.user}'`);
  }

  /** On topic exchanges also the key counts. @throws Refusal 403 */
  checkTopic(right: 'write' | 'read', exchange: string, key: string): void {
    const allowed = this.#topics.get(exchange)?.[right];
    if (allowed === undefined || allowed.test(key)) return;
    throw new Refusal(
      403,
      `access to topic '${key}' in exchange '${exchange}' in vhost '${this.#vhost}' refused for user '${this.user}'`,
    );
  }
}

const regExp = (text: string | undefined): RegExp | undefined => (text === undefined ? undefined : fromPcre(text));

/** The broker's expressions have `\z` for the very end of a text, which is `$` here. */
const fromPcre = (text: string): RegExp => new RegExp(text.replaceAll('\\z', '$'));
