import { AppError, silentLogger } from '@warren/kernel';
import type { Delivery } from '@warren/rabbit';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CommandContext } from '../command_context.ts';
import { ListenerTask } from '../listener/listener_task.ts';
import type { MessageCopies } from '../listener/message_copies.ts';
import type { Outcome } from '../listener/outcome.ts';
import type { Binding } from '../registry/bindings.ts';
import { DEFAULT_RETRY } from '../registry/retry_policy.ts';
import type { BlockedCommand, Blocking } from './blocked_keys.ts';
import { KeyedDelivery, type KeyedEntry } from './keyed_delivery.ts';
import { KeyedEndings } from './keyed_endings.ts';

const passing = new AppError('SERVICE_UNAVAILABLE', 'x', { kind: 'unavailable', retryable: true });
const defect = new AppError('SERVICE_INTERNAL', 'x', { kind: 'internal' });

/** Everything that happened to the message, in order. */
let events: string[];
let blocking: Blocking | Error;
let lost: boolean;
let entry: KeyedEntry;

beforeEach(() => {
  events = [];
  blocking = 'blocked';
  lost = false;
  const raw = {
    properties: { headers: {} },
    get lost() {
      return lost;
    },
    ack: () => void events.push('raw ack'),
  } as unknown as Delivery;
  const partition = { leaving: false, out: 1, onEmpty: undefined };
  entry = { raw, key: 'k', partition, queue: 'p.commands.p00', attempt: undefined, busy: 0, out: true };
});

async function end(outcome: Outcome, { attempt = 1, known = true } = {}): Promise<string[]> {
  const owner = {
    settled: () => void events.push('settled'),
    returned: () => void events.push('returned'),
    again: (again: KeyedEntry, ms: number) => void events.push(`again in ${ms} as ${again.attempt ?? 'before'}`),
  };
  const task = new ListenerTask(new KeyedDelivery(entry, owner), 0);
  task.context = { attempt, messageId: 'm', name: 'p.do', logger: silentLogger() } as unknown as CommandContext;
  if (known) task.binding = { retry: DEFAULT_RETRY } as unknown as Binding;
  const copies: Pick<MessageCopies, 'park'> = {
    park: async (_task, _error, reason, queue) => void events.push(`parked ${reason} from ${queue}`),
  };
  const block = async ({ key, messageId, command, code }: BlockedCommand): Promise<Blocking> => {
    events.push(`mark ${key} ${messageId} ${command} ${code}`);
    if (blocking instanceof Error) throw blocking;
    return blocking;
  };
  const deps = { copies: copies as MessageCopies, blockedKeys: { block }, logger: silentLogger() };
  await new KeyedEndings(deps).end(task, outcome);
  return events;
}

describe('a command in sequence', () => {
  test.each<Outcome>([
    { kind: 'done', value: 1 },
    { kind: 'refused', error: new AppError('X', 'x', { kind: 'conflict' }) },
    { kind: 'expired' },
  ])('is acked and leaves its line when it is over: %o', async (outcome) => {
    expect(await end(outcome)).toEqual(['raw ack', 'settled']);
  });

  test('that fails for a reason that may pass is tried again in place, after the waits of its tiers', async () => {
    expect(await end({ kind: 'retry', error: passing })).toEqual(['again in 1000 as 2']);
  });

  test('that has used up its runs is marked first, then parked', async () => {
    expect(await end({ kind: 'retry', error: passing }, { attempt: 6 })).toEqual([
      'mark k m p.do SERVICE_UNAVAILABLE',
      'parked retries_exhausted from p.commands.p00',
    ]);
  });

  test('with a defect is marked and parked at once', async () => {
    expect(await end({ kind: 'broken', error: defect })).toEqual([
      'mark k m p.do SERVICE_INTERNAL',
      'parked defect from p.commands.p00',
    ]);
  });

  test('behind a parked one is listed and parked as well', async () => {
    const error = new AppError('COMMAND_KEY_BLOCKED', 'x', { kind: 'conflict' });
    expect(await end({ kind: 'blocked', error })).toEqual([
      'mark k m p.do COMMAND_KEY_BLOCKED',
      'parked key_blocked from p.commands.p00',
    ]);
  });

  test('that nobody can read is parked and marks no key', async () => {
    const error = new AppError('REQUEST_INVALID', 'x', { kind: 'invalid' });
    expect(await end({ kind: 'broken', error }, { known: false })).toEqual([
      'parked invalid_payload from p.commands.p00',
    ]);
  });

  test('that came back too often marks its key although nothing ran', async () => {
    const error = new AppError('COMMAND_REDELIVERED', 'x', { kind: 'internal' });
    expect(await end({ kind: 'broken', error }, { known: false })).toEqual([
      'mark k m p.do COMMAND_REDELIVERED',
      'parked defect from p.commands.p00',
    ]);
  });

  test('is not parked while its key cannot be marked: it is tried again', async () => {
    blocking = new Error('the store is away');
    expect(await end({ kind: 'broken', error: defect })).toEqual([
      'mark k m p.do SERVICE_INTERNAL',
      'again in 5000 as before',
    ]);
  });

  test.each<[Blocking, string[]]>([
    ['busy', ['again in 1000 as before']],
    ['done', ['raw ack', 'settled']],
  ])('that turns out to be %s elsewhere is not parked', async (found, then) => {
    blocking = found;
    expect(await end({ kind: 'broken', error: defect })).toEqual(['mark k m p.do SERVICE_INTERNAL', ...then]);
  });

  test('waits for its twin a second at a time, and after a minute it counts as failed', async () => {
    const error = new AppError('REQUEST_IN_PROGRESS', 'x', { kind: 'conflict', retryable: true });
    for (let i = 0; i < 60; i++) await end({ kind: 'busy', error });
    expect(new Set(events)).toEqual(new Set(['again in 1000 as before']));
    events.length = 0;
    expect(await end({ kind: 'busy', error })).toEqual(['again in 1000 as 2']);
  });

  test('that is handed back stays its key’s turn', async () => {
    expect(await end({ kind: 'handed_back' })).toEqual(['returned']);
  });

  test('whose channel is lost is nobody’s here: it is neither parked nor tried again', async () => {
    lost = true;
    expect(await end({ kind: 'broken', error: defect })).toEqual(['raw ack', 'settled']);
  });
});
