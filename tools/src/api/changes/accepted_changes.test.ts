import { expect, test } from 'vitest';
import { breakingEntries, unacceptedChanges } from './accepted_changes.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- \`shop.add_hat\`

### Breaking

- \`shop.buy_hat\`: \`size\` is required,
  because hats differ.
- \`shop.sell_hat\`: gone.

### Fixed

- \`shop.fix_hat\`

## [0.1.0]

### Breaking

- \`shop.old_hat\`: gone.
`;
const change = (...names: readonly string[]) => ({ names, what: 'w', breaks: 'b' });

test('only the entries below Breaking of what is not released count, each with all its lines', () => {
  expect(breakingEntries(CHANGELOG)).toEqual([
    '- `shop.buy_hat`: `size` is required, because hats differ.',
    '- `shop.sell_hat`: gone. ',
  ]);
  expect(breakingEntries('# Changelog\n')).toEqual([]);
});

test.for<readonly [what: string, names: readonly string[], accepted: boolean]>([
  ['its command and field', ['shop.buy_hat', 'size'], true],
  ['its command', ['shop.sell_hat'], true],
  ['its command and another field', ['shop.buy_hat', 'color'], false],
  ['its names in two entries', ['shop.sell_hat', 'size'], false],
  ['it under another heading', ['shop.add_hat'], false],
  ['it under a heading after Breaking', ['shop.fix_hat'], false],
  ['it in an earlier release', ['shop.old_hat'], false],
  ['the beginning of its name', ['shop.sell'], false],
])('a changelog that names %s accepts a change or does not', ([, names, accepted]) => {
  expect(unacceptedChanges([change(...names)], CHANGELOG)).toHaveLength(accepted ? 0 : 1);
});
