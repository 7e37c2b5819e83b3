import { loginRefused, vhostRefused } from './refusal.ts';
import { type MemoryUser, Rights } from './rights.ts';

const DEFAULT_USER = 'guest';

/** Who may come in: reads user, password and vhost out of the URL of a connection. */
export class Doorkeeper {
  readonly #vhost: string;
  readonly #users: readonly MemoryUser[] | undefined;

  /** Without `users` everybody may do everything. */
  constructor(vhost: string, users: readonly MemoryUser[] | undefined) {
    this.#vhost = vhost;
    this.#users = users;
  }

  urlFor(user: string, password: string): string {
    const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `amqp://${credentials}@memory/${encodeURIComponent(this.#vhost)}`;
  }

  /** @throws Error as amqplib words it, for an unknown user, a wrong password or another vhost */
  admit(url: string): Rights {
    const { username, password, pathname } = new URL(url);
    const name = decodeURIComponent(username) || DEFAULT_USER;
    const user = this.#users === undefined ? { name } : this.#users.find((known) => known.name === name);
    const given = decodeURIComponent(password);
    if (user === undefined || (user.password ?? given) !== given) throw loginRefused();
    if (pathname.length > 1 && decodeURIComponent(pathname.slice(1)) !== this.#vhost) throw vhostRefused();
    return new Rights(user, this.#vhost);
  }
}
