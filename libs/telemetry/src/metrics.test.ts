import { describe, expect, test } from 'vitest';
import { Metrics } from './metrics.ts';
import { MAX_SERIES } from './series.ts';

const linesOf = async (metrics: Metrics, name: string): Promise<string[]> =>
  (await metrics.render()).split('\n').filter((line) => line.startsWith(name));

describe('Metrics', () => {
  test('renders counters, gauges and histograms with the service as a label', async () => {
    const metrics = new Metrics('auth');
    metrics.counter('calls_total', 'Calls.', ['outcome']).inc({ outcome: 'ok' });
    metrics.counter('calls_total', 'Calls.', ['outcome']).inc({ outcome: 'ok' }, 2);
    metrics.gauge('depth', 'Depth.').set({}, 7);
    metrics.histogram('took_seconds', 'Duration.', ['route'], [0.1, 1]).observe({ route: '/a' }, 0.5);
    expect(await linesOf(metrics, 'calls_total')).toEqual(['calls_total{outcome="ok",service="auth"} 3']);
    expect(await linesOf(metrics, 'depth')).toEqual(['depth{service="auth"} 7']);
    expect(await linesOf(metrics, 'took_seconds_bucket')).toEqual([
      'took_seconds_bucket{le="0.1",route="/a",service="auth"} 0',
      'took_seconds_bucket{le="1",route="/a",service="auth"} 1',
      'took_seconds_bucket{le="+Inf",route="/a",service="auth"} 1',
    ]);
    expect(metrics.contentType).toContain('text/plain');
  });

  test('tells process memory and event-loop lag from the start', async () => {
    const text = await new Metrics('auth').render();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  test('keeps two instances apart', async () => {
    const [one, other] = [new Metrics('one'), new Metrics('other')];
    one.counter('calls_total', 'Calls.').inc();
    other.counter('calls_total', 'Calls.');
    expect(await linesOf(one, 'calls_total')).toEqual(['calls_total{service="one"} 1']);
    expect(await linesOf(other, 'calls_total')).toEqual(['calls_total{service="other"} 0']);
  });

  test('returns the same metric for a name asked for twice and refuses the name for another type', () => {
    const metrics = new Metrics('auth');
    expect(metrics.counter('calls_total', 'Calls.', ['a'])).toBe(metrics.counter('calls_total', 'Calls.', ['a']));
    expect(() => metrics.gauge('calls_total', 'Calls.', ['a'])).toThrow(/counter\(a\)/);
    expect(() => metrics.counter('calls_total', 'Calls.', ['b'])).toThrow(/counter\(a\)/);
  });

  test('refuses a label that the metric does not have', () => {
    const counter = new Metrics('auth').counter('calls_total', 'Calls.', ['a']);
    expect(() => counter.inc({ b: 'x' })).toThrow(/no label b/);
  });

  test('counts on after a rendering and refuses to shrink a counter', async () => {
    const metrics = new Metrics('auth');
    const counter = metrics.counter('calls_total', 'Calls.', ['a']);
    counter.inc({ a: 'x' });
    expect(await linesOf(metrics, 'calls_total')).toEqual(['calls_total{a="x",service="auth"} 1']);
    expect(await linesOf(metrics, 'calls_total')).toEqual(['calls_total{a="x",service="auth"} 1']);
    counter.inc({ a: 'x' }, 4);
    expect(await linesOf(metrics, 'calls_total')).toEqual(['calls_total{a="x",service="auth"} 5']);
    expect(() => counter.inc({ a: 'x' }, -1)).toThrow(RangeError);
    expect(() => counter.inc({ a: 'x' }, Number.NaN)).toThrow(RangeError);
  });

  test('counts the series past the bound together, so that labels from outside cannot fill the memory', async () => {
    const metrics = new Metrics('auth');
    const counter = metrics.counter('calls_total', 'Calls.', ['who']);
    for (let i = 0; i < MAX_SERIES + 500; i += 1) counter.inc({ who: `player-${i}` });
    const lines = await linesOf(metrics, 'calls_total');
    expect(lines).toHaveLength(MAX_SERIES + 1);
    expect(lines.at(-1)).toBe('calls_total{who="(overflow)",service="auth"} 500');
  });

  test('asks the collectors before every rendering until they are taken back', async () => {
    const metrics = new Metrics('auth');
    const gauge = metrics.gauge('size', 'Size.');
    let size = 1;
    const stop = metrics.beforeRender(() => gauge.set({}, size));
    expect(await linesOf(metrics, 'size')).toEqual(['size{service="auth"} 1']);
    size = 2;
    expect(await linesOf(metrics, 'size')).toEqual(['size{service="auth"} 2']);
    stop();
    size = 3;
    expect(await linesOf(metrics, 'size')).toEqual(['size{service="auth"} 2']);
  });
});
