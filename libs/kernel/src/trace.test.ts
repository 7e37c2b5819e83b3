import { expect, test } from 'vitest';
import { continueTrace, currentContext, formatTraceparent, runInContext, startTrace } from './trace.ts';

test('the next hop keeps the trace id and has a span id of its own', () => {
  const parent = startTrace();
  const child = continueTrace(formatTraceparent(parent));
  expect(child.traceId).toBe(parent.traceId);
  expect(child.spanId).not.toBe(parent.spanId);
});

test.each([
  undefined,
  '',
  'nonsense',
  `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01-more`,
  `00-${'G'.repeat(32)}-${'1'.repeat(16)}-01`,
])('a traceparent that makes no sense starts a new trace: %s', (traceparent) => {
  expect(formatTraceparent(continueTrace(traceparent))).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('ids do not repeat', () => {
  const ids = new Set(Array.from({ length: 5_000 }, () => startTrace().traceId));
  expect(ids.size).toBe(5_000);
});

test('the context is seen by everything below, also after an await, and by nothing beside', async () => {
  const trace = startTrace();
  const seen = await runInContext({ trace, command: 'a.b' }, async () => {
    await Promise.resolve();
    return currentContext();
  });
  expect(seen).toEqual({ trace, command: 'a.b' });
  expect(currentContext()).toBeUndefined();
});
