import {
  ASSIGN_GAME,
  CONTRACTS,
  type Contract,
  defineContract,
  defineEvent,
  GET_MATCH,
  LEASE_LOST,
  LOGIN,
  MATCH_FOUND,
  RELEASE_GAME,
  serviceOf,
} from '@warren/contracts';
import { AppError, token } from '@warren/kernel';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { CommandHandler } from '../command_handler.ts';
import { type CommandBinding, command, event } from './bindings.ts';
import { checkRegistry, defineRegistry, type ServiceRegistry } from './service_registry.ts';

const ANY = token<CommandHandler<object, never>>('test.any');
const anyEvent = token<{ apply: () => Promise<void> }>('test.event');
const bind = (contract: Contract): CommandBinding => command(contract, ANY);
const own = (prefix: string): readonly Contract[] =>
  CONTRACTS.filter((contract) => serviceOf(contract.name) === prefix);

const registry = (prefix: string, changes: Partial<ServiceRegistry> = {}): ServiceRegistry => ({
  prefix,
  maxConcurrentTasks: 4,
  commandProcessingTimeoutMs: 1_000,
  commands: own(prefix).map(bind),
  events: prefix === 'coordinator' ? [event(LEASE_LOST, 'leases', anyEvent)] : [],
  ...changes,
});

function problem(input: ServiceRegistry, contracts: readonly Contract[] = CONTRACTS): string {
  try {
    checkRegistry(input, contracts);
  } catch (error) {
    if (error instanceof AppError && error.code === 'REGISTRY_INVALID') return error.message;
    throw error;
  }
  return '';
}

describe('a registry', () => {
  test.each(['auth', 'allocator', 'coordinator'])('of %s with every contract once is accepted', (prefix) => {
    expect(problem(registry(prefix))).toBe('');
  });

  test('without one contract is refused with the line to add', () => {
    const commands = own('allocator').filter((contract) => contract !== ASSIGN_GAME);
    expect(problem(registry('allocator', { commands: commands.map(bind) }))).toBe(
      'allocator.assign_game has a contract and no handler: add command(…) for it to apps/game-allocator/src/allocator_config.ts.',
    );
  });

  test('with one contract twice is refused with the line to remove', () => {
    const commands = [...own('allocator'), RELEASE_GAME].map(bind);
    expect(problem(registry('allocator', { commands }))).toMatch(
      /^allocator\.release_game is registered twice: remove one line/,
    );
  });

  test('with a contract of another service is refused', () => {
    expect(problem(registry('allocator', { commands: [...own('allocator'), LOGIN].map(bind) }))).toMatch(
      /^auth\.login belongs to auth: remove/,
    );
  });

  test('with a contract that nobody can find is refused', () => {
    const stray = defineContract({ ...ASSIGN_GAME, name: 'allocator.stray' });
    expect(problem(registry('allocator', { commands: [...own('allocator'), stray].map(bind) }))).toMatch(
      /^allocator\.stray is not in CONTRACTS/,
    );
  });

  test('with durable commands but without a queue for them is refused with the line to add', () => {
    const durable = { ...GET_MATCH, ways: ['command'] as const };
    const contracts = [...CONTRACTS.filter((contract) => contract !== GET_MATCH), durable];
    const commands = contracts.filter((contract) => serviceOf(contract.name) === 'coordinator').map(bind);
    expect(problem(registry('coordinator', { commands }), contracts)).toBe(
      'coordinator takes commands: set commands: true for it in rabbitmq_topology.ts.',
    );
  });

  test('with commands in sequence but without queues for them is refused with the line to add', () => {
    const inSequence = defineContract({
      ...GET_MATCH,
      ways: ['command'],
      idempotency: 'inbox',
      key: 'game_id',
    });
    const contracts = [...CONTRACTS.filter((contract) => contract !== GET_MATCH), inSequence];
    const commands = contracts.filter((contract) => serviceOf(contract.name) === 'coordinator').map(bind);
    expect(problem(registry('coordinator', { commands }), contracts)).toBe(
      'coordinator takes commands in sequence: set keyed: true for it in rabbitmq_topology.ts.',
    );
  });

  test('with an event that its queue does not receive is refused, and so is an event that nobody handles', () => {
    const events = [event(MATCH_FOUND, 'leases', anyEvent)];
    const said = problem(registry('coordinator', { events }));
    expect(said).toContain(
      `coordinator handles ${MATCH_FOUND.name}: add it to events.leases of coordinator in rabbitmq_topology.ts.`,
    );
    expect(said).toContain(`coordinator receives ${LEASE_LOST.name} and has no handler: add event(…) for it`);
  });

  test('with one event twice in a group is refused', () => {
    const line = event(LEASE_LOST, 'leases', anyEvent);
    expect(problem(registry('coordinator', { events: [line, line] }))).toMatch(
      /^leases\/allocator\.lease_lost is registered twice/,
    );
  });

  test('tells of every problem at once', () => {
    expect(
      problem(registry('auth', { commands: [bind(ASSIGN_GAME)] })).match(/has a contract and no handler/g),
    ).toHaveLength(own('auth').length);
  });

  test.each([
    [{ maxConcurrentTasks: 0 }, /MAX_CONCURRENT_TASKS of auth must be 1 to 1000/],
    [{ maxConcurrentTasks: 1.5 }, /MAX_CONCURRENT_TASKS/],
    [{ commandProcessingTimeoutMs: 600_000 }, /COMMAND_PROCESSING_TIMEOUT of auth must be 1 to 120000 ms/],
  ])('with the bounds %o is refused', (changes, sentence) => {
    expect(() => defineRegistry(registry('auth', changes))).toThrow(sentence);
  });
});

/** Checked by the compiler: each line below is an error there and nowhere else. */
describe('a binding', () => {
  const contract = defineContract({
    ...ASSIGN_GAME,
    name: 'allocator.typed',
    dto: z.object({ size: z.number() }),
    reply: z.object({ ok: z.boolean() }),
  });
  const happened = defineEvent({ name: 'allocator.happened', summary: 'x', payload: z.object({ id: z.string() }) });

  test('takes a handler of its own DTO and reply, with or without something prepared', () => {
    const plain = token<{ apply(dto: { size: number }): Promise<{ ok: boolean }> }>('plain');
    const prepared = token<CommandHandler<{ size: number }, { ok: boolean }, Date>>('prepared');
    expect([command(contract, plain).handlerName, command(contract, prepared).handlerName]).toEqual([
      'plain',
      'prepared',
    ]);
    expect(event(happened, 'group', token<{ apply(payload: { id: string }): Promise<void> }>('happened')).group).toBe(
      'group',
    );
  });

  test('of a handler with another DTO, another reply or another payload does not compile', () => {
    const otherDto = token<CommandHandler<{ size: string }, { ok: boolean }>>('other_dto');
    const moreDto = token<CommandHandler<{ size: number; colour: string }, { ok: boolean }>>('more_dto');
    const otherReply = token<CommandHandler<{ size: number }, { ok: string }>>('other_reply');
    const lessReply = token<CommandHandler<{ size: number }, object>>('less_reply');
    const otherPayload = token<{ apply: (payload: { id: number }) => Promise<void> }>('other_payload');
    const bindings = [
      // @ts-expect-error size is a number in the contract
      command(contract, otherDto),
      // @ts-expect-error the contract has no colour
      command(contract, moreDto),
      // @ts-expect-error ok is a boolean in the contract
      command(contract, otherReply),
      // @ts-expect-error the reply lacks ok
      command(contract, lessReply),
      // @ts-expect-error id is a string in the event
      event(happened, 'group', otherPayload),
    ];
    expect(bindings).toHaveLength(5);
  });
});
