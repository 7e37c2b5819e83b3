import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { expect, test } from 'vitest';
import { type AdminServer, createAdminServer } from '../src/index.ts';

const state: { missing: Record<string, string> } = { missing: { rabbitmq: 'not connected', redis: 'no answer' } };

async function withServer(work: (server: AdminServer) => Promise<void>): Promise<void> {
  const health = { problems: () => state.missing };
  const server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    health,
    metrics: new Metrics('test'),
    logger: silentLogger(),
  });
  await server.listen();
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

test('Readiness names each missing dependency until there is none', async () => {
  await withServer(async ({ url }) => {
    const waiting = await fetch(`${url}/readyz`);
    expect([waiting.status, await waiting.json()]).toEqual([
      503,
      { status: 'not ready', missing: { rabbitmq: 'not connected', redis: 'no answer' } },
    ]);
    state.missing = {};
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
  });
});

test('Liveness, metrics and unknown paths answer by status', async () => {
  await withServer(async ({ url }) => {
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const metrics = await fetch(`${url}/metrics`);
    expect([metrics.status, await metrics.text()]).toEqual([200, expect.stringContaining('process_cpu')]);
    expect((await fetch(`${url}/secret`)).status).toBe(404);
    expect((await fetch(`${url}/livez`, { method: 'POST' })).status).toBe(405);
  });
});

test('A port that is taken is an error', async () => {
  await withServer(async ({ url }) => {
    const deps = {
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      metrics: new Metrics('test'),
      logger: silentLogger(),
    };
    const second = createAdminServer({ ...deps, health: { problems: () => ({}) } });
    await expect(second.listen()).rejects.toThrow(/EADDRINUSE/);
  });
});
