import { type Container, token } from '@warren/kernel';
import { DELAY_TIERS, EXCHANGE, eventsQueue, type QueueSpec } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EventHandler, event, type ListenerPlan } from '../src/index.ts';

type QueuePlan = Extract<ListenerPlan, { queue: unknown }>;

import { broken, Kit, leaveMark, pause, type TestService, until, WORK_DONE } from './kit.ts';

type Payload = { readonly text: string };

const GROUPS = ['leases', 'audit'] as const;
const HANDLER = {
  leases: token<EventHandler<Payload>>('test.leases'),
  audit: token<EventHandler<Payload>>('test.audit'),
};

let kit: Kit;
let emitter: TestService;
let failures = 1;

/** The topology has one group for this event; another one is another queue with the same binding. */
function planOf(group: (typeof GROUPS)[number]): QueuePlan {
  const name = eventsQueue('coordinator', group);
  const bindings = [
    { exchange: EXCHANGE.events, pattern: WORK_DONE.name },
    { exchange: EXCHANGE.deliver, pattern: name },
  ];
  const queue: QueueSpec = {
    name,
    durable: true,
    exclusive: false,
    autoDelete: false,
    arguments: { 'x-queue-type': 'quorum' },
    bindings,
  };
  return { kind: 'events', queue, prefetch: 4, bindings: [event(WORK_DONE, group, HANDLER[group])] };
}

beforeAll(async () => {
  kit = await Kit.open();
  emitter = await kit.service();
  const marking = (group: string): EventHandler<Payload> => ({
    apply: async (payload, context) => {
      await leaveMark(context, `${group}:${payload.text}`);
      if (payload.text === 'flaky' && group === 'audit' && failures-- > 0) throw broken();
    },
  });
  const register = (container: Container): void => {
    for (const group of GROUPS) container.value(HANDLER[group], marking(group));
  };
  const registry = { commands: [], events: GROUPS.map((group) => event(WORK_DONE, group, HANDLER[group])) };
  const arguments_ = { prefix: 'coordinator', registry, container: register };
  await kit.service({ ...arguments_, plans: [{ ...planOf('audit') }, { ...leasesPlan() }] });
});

/** As the topology has it. */
function leasesPlan(): QueuePlan {
  const plan = planOf('leases');
  const args = {
    'x-queue-type': 'quorum',
    'x-delivery-limit': 10,
    'x-dead-letter-exchange': EXCHANGE.dead,
    'x-dead-letter-routing-key': 'coordinator.dead',
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
    'x-max-length': 1_000_000,
  };
  return { ...plan, queue: { ...plan.queue, arguments: args } };
}

afterAll(() => kit.close());

const emit = (...texts: string[]): Promise<void> =>
  emitter.unitOfWork.run(async (_tx, outbox) => {
    for (const text of texts) outbox.emit(WORK_DONE, { text });
  });

test('an event of a committed transaction reaches each of two groups once', async () => {
  await emit('one', 'two');
  await until(async () => (await kit.marks()).length === 4);
  await pause(300);
  expect(await kit.marks()).toEqual(['audit:one', 'audit:two', 'leases:one', 'leases:two']);
});

test('an event of a transaction that fails reaches nobody', async () => {
  const before = await kit.marks();
  const failing = emitter.unitOfWork.run(async (_tx, outbox) => {
    outbox.emit(WORK_DONE, { text: 'never' });
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  await pause(300);
  expect(await kit.marks()).toEqual(before);
});

test('a group that fails tries again by itself: the other one does not see the event twice', async () => {
  const before = await kit.marks();
  await emit('flaky');
  await until(async () => (await kit.marks()).length === before.length + 2, DELAY_TIERS[0].delayMs + 5_000);
  await pause(300);
  expect((await kit.marks()).filter((mark) => mark.endsWith('flaky'))).toEqual(['audit:flaky', 'leases:flaky']);
});
