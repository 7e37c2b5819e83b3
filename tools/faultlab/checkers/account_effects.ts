import { UPDATE_ACCOUNT, UpdateAccountReply } from '@warren/contracts';
import { isAcknowledged, isOpen, type Story } from '../history/stories.ts';
import type { AccountRow } from '../report/final_state.ts';
import { type Violation, violation } from './violation.ts';

interface Change {
  readonly story: Story;
  readonly version: number;
  readonly name: string;
}

/**
 * Every change of an account raises its version by one, so the versions of the answers count the effects: none is missing
 * (I1), none happened twice (I2) or without anybody asking (I3), and each player's changes happened in the player's order
 * (I13).
 */
export function checkAccounts(stories: Iterable<Story>, accounts: readonly AccountRow[]): Violation[] {
  const byAccount = Map.groupBy(
    [...stories].filter(({ op }) => op === UPDATE_ACCOUNT.name),
    ({ process }) => process,
  );
  return accounts.flatMap((account) => checkAccount(account, byAccount.get(account.id) ?? []));
}

function checkAccount(account: AccountRow, stories: readonly Story[]): Violation[] {
  const changes = stories.filter(isAcknowledged).map(changeOf);
  const open = stories.filter(isOpen).length;
  return [
    ...countProblems(account, changes.length, open),
    ...twinProblems(account, changes),
    ...lastNameProblems(account, changes, open),
    ...orderProblems(account, changes),
  ];
}

function changeOf(story: Story): Change {
  const { version, display_name: name } = UpdateAccountReply.parse(story.values[0]);
  return { story, version, name };
}

function countProblems({ id, version }: AccountRow, acknowledged: number, open: number): Violation[] {
  if (version < acknowledged)
    return [violation('I1', `account ${id}: ${acknowledged} changes were acknowledged, ${version} happened`)];
  if (version > acknowledged + open)
    return [
      violation(
        'I2',
        `account ${id}: ${version} changes happened, ${acknowledged} were acknowledged, ${open} are open`,
      ),
    ];
  return [];
}

/** Two keys with one version: one of the two effects is lost, or one was told of the other's. */
function twinProblems({ id }: AccountRow, changes: readonly Change[]): Violation[] {
  return [...Map.groupBy(changes, ({ version }) => version)]
    .filter(([, same]) => same.length > 1)
    .map(([version, same]) =>
      violation(
        'I1',
        `account ${id}: version ${version} was given to ${same.map(({ story }) => story.key).join(', ')}`,
      ),
    );
}

function lastNameProblems(account: AccountRow, changes: readonly Change[], open: number): Violation[] {
  const last = changes.reduce<Change | undefined>(
    (a, b) => (a === undefined || b.version > a.version ? b : a),
    undefined,
  );
  if (last === undefined || open > 0 || last.version !== account.version || last.name === account.display_name)
    return [];
  return [violation('I1', `account ${account.id}: is "${account.display_name}", the last change was "${last.name}"`)];
}

/** A change that was asked for after another one was known to have happened has a later version. */
function orderProblems({ id }: AccountRow, changes: readonly Change[]): Violation[] {
  const known = [...changes].sort((a, b) => (a.story.knownAt ?? 0) - (b.story.knownAt ?? 0));
  const asked = [...changes].sort((a, b) => a.story.invokedAt - b.story.invokedAt);
  const problems: Violation[] = [];
  let highest: Change | undefined;
  let next = 0;
  for (const change of asked) {
    for (let done = known[next]; done !== undefined && isBefore(done, change); done = known[++next]) {
      if (highest === undefined || done.version > highest.version) highest = done;
    }
    if (highest !== undefined && highest.version > change.version)
      problems.push(violation('I13', `account ${id}: ${change.story.key} happened before ${highest.story.key}`));
  }
  return problems;
}

const isBefore = (done: Change, change: Change): boolean => (done.story.knownAt ?? Infinity) < change.story.invokedAt;
