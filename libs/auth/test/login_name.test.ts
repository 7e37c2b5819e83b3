import { describe, expect, it } from 'vitest';
import { canonicalLogin, loginFault } from '../src/services/login_name.ts';

const LAST_CODE_POINT = 0x10_ff_ff;
const UNASSIGNED = /\p{Cn}|\p{Co}|\p{Cs}/u;
const isSurrogate = (code: number): boolean => code >= 0xd8_00 && code <= 0xdf_ff;

describe('the canonical form of a login', () => {
  it('is stable for every character of Unicode between two letters', () => {
    const unstable: string[] = [];
    for (let code = 0; code <= LAST_CODE_POINT; code++) {
      const character = String.fromCodePoint(code);
      if (UNASSIGNED.test(character)) continue;
      const canonical = canonicalLogin(`a${character}b`);
      if (canonicalLogin(canonical) !== canonical) unstable.push(code.toString(16));
    }
    expect(unstable).toEqual([]);
  });

  it('is stable for random texts', () => {
    let state = 7;
    const next = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state;
    };
    for (let i = 0; i < 5_000; i++) {
      const codes = Array.from({ length: 6 }, () => next() % 0x3_00_00).filter((code) => !isSurrogate(code));
      const canonical = canonicalLogin(String.fromCodePoint(...codes));
      expect(canonicalLogin(canonical)).toBe(canonical);
    }
  });

  it.each([
    ['case', 'Ann', 'ANN'],
    ['composition', 'Zo\u00eb', 'Zoe\u0308'],
    ['compatibility forms', 'ｆｕｌｌ', 'full'],
    ['ligatures', '\ufb01sh', 'fish'],
    ['the German sharp s', 'Straße', 'STRASSE'],
    ['the capital sharp s', 'STRA\u1e9eE', 'strasse'],
    ['the Greek final sigma', '\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c2'],
    ['the dotless i', '\u0131nk', 'INK'],
    ['the kelvin sign', '\u212aing', 'king'],
    ['runs of inner white space', 'a  b', 'a\u00a0b'],
    ['mathematical letters', '\u{1d400}nn', 'ann'],
  ])('makes two spellings one: %s', (_title, a, b) => {
    expect(canonicalLogin(a)).toBe(canonicalLogin(b));
  });

  it('keeps different names apart', () => {
    const names = ['ann', 'anna', 'a nn', 'ânn', 'ann1', 'аnn', '🦊ann'];
    expect(new Set(names.map(canonicalLogin)).size).toBe(names.length);
  });

  it('refuses a text that grows beyond measure when it is normalized', () => {
    expect(loginFault('\ufdfa'.repeat(64))).toBe('has no usable normal form');
  });

  it('takes no time worth measuring for the longest text', () => {
    const started = performance.now();
    for (const pad of ['\u0301', ' ', '\ufdfa', 'a ', '\u{1f98a}']) loginFault(`a${pad.repeat(256)}`);
    expect(performance.now() - started).toBeLessThan(100);
  });
});
