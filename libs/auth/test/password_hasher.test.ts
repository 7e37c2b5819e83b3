import { describe, expect, it } from 'vitest';
import { Argon2Password, type PasswordAlgorithm } from '../src/services/argon2_password.ts';
import { HASHING_QUEUE_LIMIT, PasswordHasher } from '../src/services/password_hasher.ts';

/** An algorithm whose work ends when the test says so. */
class HeldAlgorithm implements PasswordAlgorithm {
  readonly decoy = 'decoy';
  readonly verified: string[] = [];
  readonly #held: (() => void)[] = [];

  async hash(password: string): Promise<string> {
    await new Promise<void>((resolve) => this.#held.push(resolve));
    return `hash of ${password}`;
  }

  async verify(stored: string, _password: string): Promise<boolean> {
    this.verified.push(stored);
    return true;
  }

  isOutdated(): boolean {
    return false;
  }

  get running(): number {
    return this.#held.length;
  }

  finishOne(): void {
    this.#held.shift()?.();
  }
}

const CONCURRENCY = 2;
const settle = () => new Promise((resolve) => setImmediate(resolve));
const busy = { code: 'AUTH_HASHING_BUSY', kind: 'unavailable', retryable: true, retryAfterSeconds: 1 };

describe('the password hasher', () => {
  it('runs as many as it has cores, lets 32 wait and refuses the next with a time to come back', async () => {
    const algorithm = new HeldAlgorithm();
    const hasher = new PasswordHasher({ algorithm, concurrency: CONCURRENCY });
    const accepted = Array.from({ length: CONCURRENCY + HASHING_QUEUE_LIMIT }, (_, i) => hasher.hash(`p${i}`));
    await settle();
    expect(algorithm.running).toBe(CONCURRENCY);
    await expect(hasher.hash('one too many')).rejects.toMatchObject(busy);
    for (let i = 0; i < accepted.length; i++) {
      expect(algorithm.running).toBeLessThanOrEqual(CONCURRENCY);
      algorithm.finishOne();
      await settle();
    }
    expect(await Promise.all(accepted)).toEqual(accepted.map((_, i) => `hash of p${i}`));
    const again = hasher.hash('later');
    await settle();
    expect(algorithm.running).toBe(1);
    algorithm.finishOne();
    await expect(again).resolves.toBe('hash of later');
  });

  it('gives the place of a caller who gave up to another one', async () => {
    const algorithm = new HeldAlgorithm();
    const hasher = new PasswordHasher({ algorithm, concurrency: 1 });
    const running = hasher.hash('running');
    const giveUp = new AbortController();
    const abandoned = hasher.hash('abandoned', giveUp.signal);
    const waiting = hasher.hash('waiting');
    giveUp.abort();
    await expect(abandoned).rejects.toMatchObject(busy);
    await settle();
    algorithm.finishOne();
    await settle();
    algorithm.finishOne();
    expect(await Promise.all([running, waiting])).toEqual(['hash of running', 'hash of waiting']);
    const next = hasher.hash('next');
    await settle();
    expect(algorithm.running).toBe(1);
    algorithm.finishOne();
    await expect(next).resolves.toBe('hash of next');
  });

  it('frees its slot when the work fails', async () => {
    const broken: PasswordAlgorithm = {
      decoy: '',
      hash: () => Promise.reject(new Error('broken')),
      verify: () => Promise.reject(new Error('broken')),
      isOutdated: () => false,
    };
    const hasher = new PasswordHasher({ algorithm: broken, concurrency: 1 });
    for (let i = 0; i < HASHING_QUEUE_LIMIT + 5; i++) await expect(hasher.hash('x')).rejects.toThrow('broken');
  });

  it('verifies against the decoy when there is no hash, and says no whatever comes out', async () => {
    const algorithm = new HeldAlgorithm();
    const hasher = new PasswordHasher({ algorithm, concurrency: 1 });
    expect(await hasher.verify(undefined, 'x')).toBe(false);
    expect(await hasher.verify('stored', 'x')).toBe(true);
    expect(algorithm.verified).toEqual(['decoy', 'stored']);
  });
});

describe('argon2id', () => {
  const algorithm = new Argon2Password();

  it('stores its parameters, 19 MiB and two passes, with the hash', async () => {
    expect(await algorithm.hash('x')).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    );
  });

  it('leaves the event loop to others while it works', async () => {
    const slow = new Argon2Password({ memoryCost: 65_536, timeCost: 8, parallelism: 1 });
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 5);
    await Promise.all([slow.hash('x'), slow.hash('y')]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
  });

  it('never matches the decoy, which has the form of a real hash', async () => {
    expect(algorithm.decoy).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    for (const password of ['', 'x', 'decoy']) expect(await algorithm.verify(algorithm.decoy, password)).toBe(false);
  });

  it('knows a hash with weaker parameters from one with stronger ones', async () => {
    const weaker = await new Argon2Password({ memoryCost: 8_192, timeCost: 2, parallelism: 1 }).hash('x');
    const stronger = await new Argon2Password({ memoryCost: 20_000, timeCost: 3, parallelism: 1 }).hash('x');
    expect([algorithm.isOutdated(weaker), algorithm.isOutdated(stronger)]).toEqual([true, false]);
    expect(await algorithm.verify(weaker, 'x')).toBe(true);
  });
});
