import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type PrivateServers, privateServers } from '@warren/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Bench } from './bench.ts';
import type { ServerUnderTest } from './broker_under_test.ts';
import { brokerAt } from './rabbit_under_test.ts';
import { SERVER_CASES, SERVER_QUEUES } from './server_cases.ts';

const BOOT_MS = 180_000;
const run = promisify(execFile);

describe('on a RabbitMQ of its own', { timeout: BOOT_MS }, () => {
  let servers: PrivateServers;

  beforeAll(async () => {
    servers = await privateServers();
    await servers.rabbit();
  }, BOOT_MS);
  afterAll(() => servers.destroy(), BOOT_MS);

  async function alarm(on: boolean): Promise<void> {
    const { admin } = await servers.rabbit();
    if (admin.kind !== 'rabbitmqctl') throw new Error('a private broker is administered by its tool');
    const [tool = '', ...args] = admin.command;
    const limit = on ? '{absolute, 1000000}' : '0.4';
    const expression = `vm_memory_monitor:set_vm_memory_high_watermark(${limit}).`;
    await run(tool, [...args, '-q', 'eval', expression], { env: { ...process.env, ...admin.env } });
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
