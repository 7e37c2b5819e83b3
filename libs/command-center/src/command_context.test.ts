import { silentLogger, startTrace } from '@warren/kernel';
import { fakeClock } from '@warren/testing';
import { expect, test } from 'vitest';
import { CommandContext } from './command_context.ts';

const make = (deadline = 1_000) => {
  const clock = fakeClock();
  const envelope = {
    name: 'auth.login',
    messageId: 'm',
    attempt: 1,
    actor: { kind: 'anonymous' } as const,
    caller: 'gateway',
    trace: startTrace(),
    deadline,
  };
  return { clock, context: new CommandContext(envelope, clock, silentLogger()) };
};

test('the signal is aborted with the reason, whether it is asked for before or after', () => {
  const reason = new Error('over');
  const early = make().context;
  const { signal } = early;
  early.abort(reason);
  const late = make().context;
  late.abort(reason);
  for (const one of [signal, late.signal]) expect(one).toMatchObject({ aborted: true, reason });
});

test('what was given up throws its first reason before a commit', () => {
  const { context } = make();
  expect(() => context.throwIfAborted()).not.toThrow();
  context.abort(new Error('first'));
  context.abort(new Error('second'));
  expect(context.aborted).toBe(true);
  expect(() => context.throwIfAborted()).toThrow('first');
});

test('the time left shrinks with the monotonic clock, not below 0, and no step of the wall clock changes it', async () => {
  const { clock, context } = make(1_000);
  clock.stepWallClock(60_000);
  expect(context.remainingMs).toBe(1_000);
  await clock.advance(400);
  expect(context.remainingMs).toBe(600);
  await clock.advance(5_000);
  expect(context.remainingMs).toBe(0);
});

test('the trace goes on as a traceparent', () => {
  const { context } = make();
  expect(context.traceparent).toBe(`00-${context.trace.traceId}-${context.trace.spanId}-01`);
});
