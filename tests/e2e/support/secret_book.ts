import * as z from 'zod';

/** Fields of requests and replies whose values must never be seen again. */
const SECRET_FIELDS = new Set(['password', 'access_token', 'refresh_token', 'ticket', 'join_ticket', 'server_key']);
const Fields = z.record(z.string(), z.unknown());

/** Collects every secret that goes over the wire of a test, so that the logs can be searched for them. */
export class SecretBook {
  readonly #secrets = new Set<string>();

  /** Takes the secret fields of one payload. */
  read(payload: unknown): void {
    const fields = Fields.safeParse(payload);
    if (!fields.success) return;
    for (const [name, value] of Object.entries(fields.data)) {
      if (SECRET_FIELDS.has(name) && typeof value === 'string') this.#add(value);
    }
  }

  /** fetch that reads the bodies of everything that passes. */
  readonly fetch: typeof fetch = async (input, init) => {
    if (typeof init?.body === 'string') this.read(JSON.parse(init.body));
    const response = await fetch(input, init);
    this.read(
      await response
        .clone()
        .json()
        .catch(() => undefined),
    );
    return response;
  };

  get all(): readonly string[] {
    return [...this.#secrets];
  }

  /** A token is as secret without its readable front: the signature is what makes it one. */
  #add(value: string): void {
    this.#secrets.add(value);
    const parts = value.split('.');
    const signature = parts[2];
    if (parts.length === 3 && signature !== undefined) this.#secrets.add(signature);
  }
}
