import { playMatch } from '@warren/example-bots';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say } from './support/say.ts';
import { WarrenSystem } from './support/warren_system.ts';

let system: WarrenSystem;

beforeAll(async () => {
  system = await WarrenSystem.start();
  await system.startGameServer(system.gatewayUrls[0] ?? '');
}, 120_000);

afterAll(async () => {
  const faults = await system.stop();
  expect(faults).toEqual([]);
}, 60_000);

test('two players register, are matched, play on a game server and both see the result', {
  timeout: 90_000,
}, async () => {
  const [gatewayUrl = ''] = system.gatewayUrls;
  const played = await playMatch({ gatewayUrl, timeoutMs: 60_000 });
  expect(played.players).toContain(played.winner);
  expect(played.row.state).toBe('ended');
  expect(played.row.scores).toHaveLength(2);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const hops = new Map<number, string>();
  for (const { lines } of system.processes) {
    for (const line of lines)
      if (line['trace'] === played.traceId) hops.set(Number(line['pid']), String(line['service']));
  }
  say(`trace ${played.traceId}: ${[...hops].map(([pid, service]) => `${service} (${pid})`).join(', ')}`);
});
