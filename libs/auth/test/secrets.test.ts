import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { passwordFault } from '../src/services/common_passwords.ts';
import { judgeRefresh } from '../src/services/judge_refresh.ts';
import { newRefreshSecret, sealSuccessor, unsealSuccessor } from '../src/services/refresh_secret.ts';
import { seal, unseal } from '../src/services/sealed_box.ts';

describe('a sealed box', () => {
  const key = randomBytes(32);
  const box = seal(Buffer.from('secret'), { key, label: 'k1' });

  it('opens with its key and label only', () => {
    expect(unseal(box, { key, label: 'k1' }).toString()).toBe('secret');
    expect(() => unseal(box, { key, label: 'k2' })).toThrow();
    expect(() => unseal(box, { key: randomBytes(32), label: 'k1' })).toThrow();
  });

  it('does not open when any byte was changed or cut off', () => {
    for (let i = 0; i < box.length; i++) {
      const changed = Buffer.from(box);
      changed.writeUInt8((box.readUInt8(i) + 1) % 256, i);
      expect(() => unseal(changed, { key, label: 'k1' })).toThrow();
      expect(() => unseal(box.subarray(0, i), { key, label: 'k1' })).toThrow();
    }
  });

  it('differs every time', () => {
    expect(seal(Buffer.from('secret'), { key, label: 'k1' })).not.toEqual(box);
  });
});

describe('a refresh token', () => {
  it('opens what was sealed under it, and no other token does', () => {
    const [first, second, other] = [newRefreshSecret(), newRefreshSecret(), newRefreshSecret()];
    const sealed = sealSuccessor(first.token, second.token);
    expect(unsealSuccessor(first.token, sealed)).toBe(second.token);
    expect(() => unsealSuccessor(other.token, sealed)).toThrow();
    expect(() => unsealSuccessor(first.hash.toString('base64url'), sealed)).toThrow();
  });
});

describe('the judgement of a presented refresh token', () => {
  const sealed = Buffer.from('sealed');
  const row = {
    sessionId: 's',
    accountId: 'a',
    roles: [],
    gen: 0,
    generation: 0,
    parent: null,
    alive: true,
    rotated: false,
    inGrace: false,
    successorUsed: false,
    successorSealed: null,
    sessionSecondsLeft: 100,
    successorSecondsLeft: 100,
  };
  const spent = { ...row, rotated: true, inGrace: true, successorSealed: sealed };

  it.each([
    ['refused: unknown', undefined, 'refused'],
    ['refused: its session or itself is over', { ...row, alive: false }, 'refused'],
    ['refused, not reused: over and spent', { ...spent, alive: false, inGrace: false }, 'refused'],
    ['rotate: first use', row, 'rotate'],
    ['repeat: within the grace, successor unused', spent, 'repeat'],
    ['refused: within the grace, successor used', { ...spent, successorUsed: true }, 'refused'],
    ['refused: within the grace, successor forgotten', { ...spent, successorSealed: null }, 'refused'],
    ['reused: after the grace, successor unused', { ...spent, inGrace: false }, 'reused'],
    ['reused: after the grace, successor used', { ...spent, inGrace: false, successorUsed: true }, 'reused'],
  ])('is %s', (_title, presented, kind) => {
    expect(judgeRefresh(presented).kind).toBe(kind);
  });
});

describe('the check of a new password', () => {
  it('refuses common ones in any case and width, one repeated character, and the login', () => {
    for (const password of [
      'password1',
      'PassWord1',
      'ｐａｓｓｗｏｒｄ１',
      'iloveyou',
      '1q2w3e4r',
      '11111111',
      '🦊🦊🦊🦊🦊🦊🦊🦊',
      'Ann Smith',
    ]) {
      expect(passwordFault(password, 'ann smith')).toBeTypeOf('string');
    }
  });

  it('accepts what nobody would guess first', () => {
    for (const password of ['seven lazy foxes', 'Tr0ub4dor&3xyz', '马电池订书钉正确', 'aaaaaaab']) {
      expect(passwordFault(password, 'ann')).toBeUndefined();
    }
  });
});
