import { randomBytes } from 'node:crypto';
import { hash, parseOptions, verify } from '@node-rs/argon2';

/** Turns passwords into hashes that hold their own parameters. */
export interface PasswordAlgorithm {
  hash(password: string): Promise<string>;
  verify(stored: string, password: string): Promise<boolean>;
  /** The hash was made with weaker parameters than today's. */
  isOutdated(stored: string): boolean;
  /** A hash of nothing, with today's parameters: verifying against it costs the same and never succeeds. */
  readonly decoy: string;
}

export interface Argon2Parameters {
  /** KiB. */
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** The OWASP floor for argon2id: 19 MiB, two passes, one lane. */
const ARGON2_PARAMETERS: Argon2Parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const SALT_BYTES = 16;
const OUTPUT_BYTES = 32;

/** Argon2id in threads of libuv, so the event loop never waits. */
export class Argon2Password implements PasswordAlgorithm {
  readonly #parameters: Argon2Parameters;
  readonly decoy: string;

  constructor(parameters: Argon2Parameters = ARGON2_PARAMETERS) {
    this.#parameters = parameters;
    this.decoy = decoyOf(parameters);
  }

  hash(password: string): Promise<string> {
    return hash(normal(password), { ...this.#parameters, outputLen: OUTPUT_BYTES });
  }

  verify(stored: string, password: string): Promise<boolean> {
    return verify(stored, normal(password));
  }

  isOutdated(stored: string): boolean {
    const { memoryCost, timeCost, parallelism } = parseOptions(stored);
    const wanted = this.#parameters;
    return memoryCost < wanted.memoryCost || timeCost < wanted.timeCost || parallelism < wanted.parallelism;
  }
}

/** The same keys on two keyboards may give composed or decomposed characters (NIST SP 800-63B asks for this). */
const normal = (password: string): string => password.normalize('NFKC');

function decoyOf({ memoryCost, timeCost, parallelism }: Argon2Parameters): string {
  const encode = (bytes: number): string => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${encode(SALT_BYTES)}$${encode(OUTPUT_BYTES)}`;
}
