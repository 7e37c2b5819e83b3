import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Jwks, JwksSource, SigningKey } from '../src/index.ts';

export const ISSUER = 'warren-test';
export const ACCOUNT = 'b6a4d4f6-6f0d-4a10-9b7e-2d1a3c7c9a01';
export const SESSION = '0c8d1a52-93a5-49d8-8f26-6f9f8fb3b1aa';
export const GAME = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';

export interface TestKey extends SigningKey {
  readonly publicKey: KeyObject;
}

export function newKey(kid: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, publicKey };
}

export function jwksOf(...keys: readonly TestKey[]): Jwks {
  const members = keys.map(({ kid, publicKey }) => {
    const { x, y } = publicKey.export({ format: 'jwk' });
    if (x === undefined || y === undefined) throw new Error('not an EC key');
    return { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' } as const;
  });
  return { keys: members };
}

/** A source that counts its fetches; `answer` may be replaced and may throw. */
export class CountingSource implements JwksSource {
  fetches = 0;
  answer: () => Jwks;

  constructor(answer: () => Jwks) {
    this.answer = answer;
  }

  async fetchKeys(): Promise<Jwks> {
    this.fetches += 1;
    return this.answer();
  }
}

/** A clock that stands still until it is moved. */
export class StillClock {
  #ms = Date.now();

  now(): number {
    return this.#ms;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  async sleep(): Promise<void> {
    await Promise.resolve();
  }

  after(): () => void {
    throw new Error('no time passes by itself here');
  }

  advance(ms: number): void {
    this.#ms += ms;
  }
}

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A correctly signed token with any header and payload, valid or not. */
export function forge(key: TestKey, header: unknown, payload: unknown): string {
  const input = `${part(header)}.${part(payload)}`;
  const signature = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

export const joinParts = (header: unknown, payload: unknown, signature: string): string =>
  `${part(header)}.${part(payload)}.${signature}`;
