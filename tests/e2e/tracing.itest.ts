import { playMatch } from '@warren/example-bots';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say } from './support/say.ts';
import { type CollectedSpan, SpanCollector } from './support/span_collector.ts';
import { until } from './support/until.ts';
import { WarrenSystem } from './support/warren_system.ts';

let collector: SpanCollector;
let system: WarrenSystem;

beforeAll(async () => {
  collector = await SpanCollector.open();
  // the SDK collects for five seconds unless told otherwise
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' };
  system = await WarrenSystem.start({ env });
  await system.startGameServer(system.gatewayUrls[0] ?? '', { GAME_MATCH_SECONDS: '6' });
}, 120_000);

afterAll(async () => {
  const faults = await system.stop();
  await collector.close();
  expect(faults).toEqual([]);
}, 60_000);

const named = (spans: readonly CollectedSpan[], service: string, name: string): CollectedSpan[] =>
  spans.filter((span) => span.service === `warren-${service}` && span.name === name);

/** From a span up to the one that nobody called. */
function pathOf(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  const own = `${span.service.replace('warren-', '')}: ${span.name}`;
  return parent === undefined ? [own] : [...pathOf(parent, spans), own];
}

/** Names of the spans whose parent is not among them. */
function rootsOf(spans: readonly CollectedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId = '' }) => !ids.has(parentSpanId)).map(({ name }) => name);
}

test('one trace leads from the request of a player over RPC, SQL and events to the socket of each player', {
  timeout: 90_000,
}, async () => {
  const [gatewayUrl = ''] = system.gatewayUrls;
  const { traceId } = await playMatch({ gatewayUrl, timeoutMs: 60_000 });
  const spans = (): CollectedSpan[] => collector.ofTrace(traceId);
  await until(() => named(spans(), 'gateway', 'socket match.ended').length === 2, {
    timeoutMs: 20_000,
    what: 'the spans of both sockets arrive',
  });
  const trace = spans();
  const path = pathOf(named(trace, 'gateway', 'socket match.found')[0] ?? expect.fail('no socket'), trace);
  say(path.join(' → '));
  expect(path.slice(-3)).toEqual([
    'coordinator: send coordinator.match_found@1',
    'gateway: push match.found',
    'gateway: socket match.found',
  ]);
  expect(path[0]).toMatch(/^gateway: (POST \/v1\/tickets|socket ticket\.create)$/);
  expect(path).toContain('gateway: coordinator.create_ticket');
  expect(path).toContain('coordinator: coordinator.create_ticket');
  for (const [service, name] of [
    ['coordinator', 'allocator.assign_game'],
    ['allocator', 'allocator.assign_game'],
    ['coordinator', 'auth.issue_join_ticket'],
    ['auth', 'auth.issue_join_ticket'],
    ['coordinator', 'sql insert'],
    ['allocator', 'sql insert'],
    ['allocator', 'send allocator.game_assigned@1'],
  ] as const) {
    expect(named(trace, service, name), `${service}: ${name}`).not.toHaveLength(0);
  }
  // a span may arrive before the one that it hangs from: every service sends its own
  await until(() => rootsOf(spans()).length === 1, { timeoutMs: 20_000, what: 'all spans hang together' });
  expect(rootsOf(spans())).toEqual([path[0]?.replace('gateway: ', '')]);
});

test('no span carries a password, a token or a parameter of a statement', () => {
  const text = JSON.stringify(collector.spans);
  expect(collector.spans.length).toBeGreaterThan(50);
  expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]+\.|argon2id|"password"|BEGIN PRIVATE/);
});
