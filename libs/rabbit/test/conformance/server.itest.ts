import { type PrivateServers, privateServers } from '@warren/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Bench } from './bench.ts';
import type { ServerUnderTest } from './broker_under_test.ts';
import { brokerAt } from './rabbit_under_test.ts';
import { SERVER_CASES, SERVER_QUEUES } from './server_cases.ts';

const BOOT_MS = 180_000;

describe('on a RabbitMQ of its own', { timeout: BOOT_MS }, () => {
  let servers: PrivateServers;

  beforeAll(async () => {
    servers = await privateServers();
    await servers.rabbit();
  }, BOOT_MS);
  afterAll(() => servers.destroy(), BOOT_MS);

  async function alarm(on: boolean): Promise<void> {
    const limit = on ? '{absolute, 1000000}' : '0.4';
    await (await servers.rabbit()).erlang(`vm_memory_monitor:set_vm_memory_high_watermark(${limit}).`);
  }

  async function serverUnderTest(): Promise<ServerUnderTest> {
    const open = await brokerAt((await servers.rabbit()).url);
    return {
      ...open,
      alarm,
      restart: async () => {
        await (await servers.rabbit()).stop();
        await servers.rabbit();
      },
      crash: async () => {
        const rabbit = await servers.rabbit();
        await rabbit.writeDown();
        await rabbit.kill('SIGKILL');
        await servers.rabbit();
      },
      close: async () => {
        const channel = await open.raw();
        for (const queue of SERVER_QUEUES) await channel.deleteQueue(queue);
        await open.close();
      },
    };
  }

  test.each([...SERVER_CASES])('$title', async ({ run }) => {
    const broker = await serverUnderTest();
    const bench = await Bench.on(broker);
    try {
      await run(bench);
    } finally {
      await bench.close();
      await broker.close();
    }
  });
});
