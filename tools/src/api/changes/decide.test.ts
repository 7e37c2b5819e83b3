import { expect, test } from 'vitest';
import { decide, type Situation } from './decide.ts';

/** A document that breaks others by each name that it loses. */
const compare = (before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>) =>
  Object.keys(before)
    .filter((name) => !(name in after))
    .map((name) => ({ names: [name], what: `${name} is gone`, breaks: 'its callers' }));

const OLD = '{"a":1,"b":1}';
const LESS = '{"a":1}';
const MORE = '{"a":1,"b":1,"c":1}';
const NAMED = '## [Unreleased]\n\n### Breaking\n\n- `b`: gone.\n';
const HEAD = { found: [{ label: 'HEAD (1234567)', text: OLD }] };
const situation = (more: Partial<Situation>): Situation => ({
  file: 'docs/api/x.json',
  text: OLD,
  onDisk: OLD,
  committed: HEAD,
  changelog: '',
  check: false,
  accept: false,
  ...more,
});
const said = (more: Partial<Situation>): readonly [boolean, boolean, string] => {
  const { ok, write, lines } = decide(situation(more), compare);
  return [ok, write, lines.join('\n')];
};

test('what did not change is neither written nor complained about', () => {
  expect(said({})).toEqual([true, false, '']);
  expect(said({ check: true })).toEqual([true, false, '']);
});

test('a change that breaks nobody is written, and only has to be made anew', () => {
  expect(said({ text: MORE })).toEqual([true, true, '']);
  expect(said({ text: MORE, check: true })).toEqual([
    false,
    false,
    'docs/api/x.json differs from the contracts: run `npm run check -- --fix`',
  ]);
});

test('a breaking change is not written over the old document, and what to do is said', () => {
  const [ok, write, text] = said({ text: LESS });
  expect([ok, write]).toEqual([false, false]);
  expect(text).toContain(
    'docs/api/x.json: 1 breaking change against HEAD (1234567)\n  b is gone\n    breaks its callers',
  );
  expect(text).toContain('- `b`: …');
  expect(text).toContain('--accept-breaking');
});

test('the flag alone accepts nothing, and neither does the changelog alone', () => {
  expect(said({ text: LESS, accept: true }).slice(0, 2)).toEqual([false, false]);
  const [ok, write, text] = said({ text: LESS, changelog: NAMED });
  expect([ok, write]).toEqual([false, false]);
  expect(text).toContain('run `npm run check -- --fix --accept-breaking`');
});

test('both together do, and from then on every check passes', () => {
  expect(said({ text: LESS, changelog: NAMED, accept: true })).toEqual([true, true, '']);
  expect(said({ text: LESS, onDisk: LESS, changelog: NAMED, check: true })).toEqual([true, false, '']);
  expect(said({ text: LESS, onDisk: LESS, changelog: NAMED })).toEqual([true, false, '']);
});

test('a file that was overwritten by hand hides nothing, because what is committed counts', () => {
  const [ok, , text] = said({ text: LESS, onDisk: LESS, check: true });
  expect(ok).toBe(false);
  expect(text).toContain('b is gone');
});

test('a change that was committed on the branch is found against the place where the branch began', () => {
  const committed = {
    found: [
      { label: 'HEAD', text: LESS },
      { label: 'where the branch left main', text: OLD },
    ],
  };
  const [ok, , text] = said({ text: LESS, onDisk: LESS, committed, check: true });
  expect(ok).toBe(false);
  expect(text).toContain('against where the branch left main');
});

test('without git the file as it is counts, and that is said', () => {
  const committed = { found: [], note: 'there is no git repository here' };
  const [ok, write, text] = said({ text: LESS, committed });
  expect([ok, write]).toEqual([false, false]);
  expect(text).toContain('there is no git repository here; breaking changes are looked for against the file as it is');
  expect(said({ committed, check: true })[0]).toBe(true);
});

test('the first version of a document breaks nobody', () => {
  expect(said({ onDisk: undefined, committed: { found: [] } })).toEqual([true, true, '']);
});

test('a committed file that is no document is not relied on', () => {
  expect(said({ committed: { found: [{ label: 'HEAD', text: '<<<<<<<' }] } })[0]).toBe(true);
});
