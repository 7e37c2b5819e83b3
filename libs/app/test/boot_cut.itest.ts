import { type AmqpFrame, faultProxy } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServiceApp } from '../src/index.ts';
import { AppKit } from './app_kit.ts';
import { tinyService } from './fixtures/tiny_service.ts';

const READY_MS = 5_000;
const AT_A_TIME = 6;

let kit: AppKit;
const uncaught: unknown[] = [];
const onUncaught = (cause: unknown): void => void uncaught.push(cause);

beforeAll(async () => {
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
  kit = await AppKit.open();
});

afterAll(async () => {
  await kit.close();
  process.off('uncaughtException', onUncaught);
  process.off('unhandledRejection', onUncaught);
});

/** Boots once through a proxy that cuts the connection right after the `cutAt`-th method frame that the service sends. */
async function boot(cutAt: number): Promise<{ methods: string[]; ms: number }> {
  const target = new URL(kit.vhost.url);
  const proxy = await faultProxy({ target: { host: target.hostname, port: Number(target.port || 5_672) } });
  const methods: string[] = [];
  proxy.onFrame('to_server', (frame: AmqpFrame) => {
    if (frame.kind !== 'method') return undefined;
    methods.push(frame.method ?? '');
    return methods.length === cutAt ? 'cut_after' : undefined;
  });
  const startedAt = performance.now();
  const service = await createServiceApp(tinyService(), kit.env({ RABBITMQ_URL: proxy.through(kit.vhost.url) }));
  const ms = performance.now() - startedAt;
  const atReady = [...methods];
  await service.stop();
  await proxy.close();
  return { methods: atReady, ms };
}

test('cut after any one method frame of its start, a service is ready within 5 s and throws nothing', async () => {
  const { methods } = await boot(0);
  const n = methods.length;
  process.stdout.write(`boot cut: a start sends n = ${n} method frames\n`);
  expect(n).toBeGreaterThanOrEqual(15);
  const slow: string[] = [];
  const cuts = Array.from({ length: n }, (_, index) => index + 1);
  const next = async (): Promise<void> => {
    for (let k = cuts.shift(); k !== undefined; k = cuts.shift()) {
      const { ms } = await boot(k);
      if (ms > READY_MS) slow.push(`after frame ${k} (${methods[k - 1]}): ${Math.round(ms)} ms`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, next));
  expect(slow).toEqual([]);
  expect(uncaught).toEqual([]);
}, 120_000);
