import { expect, test } from 'vitest';
import { MetricsBook } from './metrics_book.ts';

const text = (stale: number, zombies: number): string => `# HELP x y
warren_rabbit_settles_total{how="stale",service="auth"} ${stale}
warren_rabbit_settles_total{how="ack",service="auth"} 7
warren_command_zombies{queue="auth.rpc"} ${zombies}
process_cpu_seconds_total 3
`;

test('counters are summed over processes, also over those that are gone', () => {
  const book = new MetricsBook();
  book.take('auth-0/1', text(1, 0));
  book.take('auth-0/1', text(2, 0));
  book.take('auth-0/2', text(5, 0));
  expect(book.sum('warren_rabbit_settles_total', { how: 'stale' })).toBe(7);
  expect(book.sum('warren_rabbit_settles_total', { how: /stale|ack/ })).toBe(21);
  expect(book.byLabel('warren_rabbit_settles_total', 'how')).toEqual(
    new Map([
      ['stale', 7],
      ['ack', 14],
    ]),
  );
  expect(book.sum('process_cpu_seconds_total')).toBe(0);
});
