import { EXCHANGE } from '@warren/rabbit';
import { AMQP_METHOD } from '@warren/testing';
import { expect, test } from 'vitest';
import { Kit, leaveMark, pause, until, WORK } from './kit.ts';

const MESSAGES = 150;
const REDELIVERIES = 1_000;
const SLOW_MACHINE_MS = 60_000;
/** So many are still under work, the first time, when the acks of others are lost: they meet their own twins. */
const SLOW_EVERY = 25;
const SLOW_MS = 400;

test('over 1,000 redeliveries because acks were lost, each of 150 commands has one effect', {
  timeout: 180_000,
}, async () => {
  const kit = await Kit.open();
  let runs = 0;
  const slow = new Set(Array.from({ length: MESSAGES / SLOW_EVERY }, (_, i) => String(i * SLOW_EVERY)));
  kit.works.set('mark', async (dto, context) => {
    runs++;
    await leaveMark(context, dto.text);
    if (slow.delete(dto.text)) await pause(SLOW_MS);
    return { done: dto.text };
  });
  const { raw } = await kit.caller();
  const proxy = await kit.proxy();
  let deliveries = 0;
  let lostAcks = 0;
  proxy.onFrame('to_client', ({ method }) => {
    if (method === AMQP_METHOD.basicDeliver) deliveries++;
    return undefined;
  });
  proxy.onFrame('to_server', ({ method }) => {
    if (method !== AMQP_METHOD.basicAck || deliveries >= MESSAGES + REDELIVERIES) return undefined;
    lostAcks++;
    return 'cut_before';
  });
  // the first service makes the queues, so that the messages wait there
  await (await kit.service()).stop();
  await Promise.all(
    Array.from({ length: MESSAGES }, (_, i) =>
      raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how: 'mark', text: String(i) }), {
        type: 'allocator.do_work@1',
      }),
    ),
  );
  const service = await kit.service({
    url: proxy.through(kit.vhost.url),
    maxConcurrentTasks: MESSAGES,
    commandProcessingTimeoutMs: 60_000,
    connectMs: 30_000,
  });
  const settled = async (): Promise<boolean> => {
    const waiting = await Promise.all(
      ['commands', 'retry.1s', 'retry.5s'].map((name) => raw.ready(`allocator.${name}`)),
    );
    const running = /^warren_commands_running\{[^}]*allocator\.commands[^}]*\} 0$/m.test(
      await service.metrics.render(),
    );
    return deliveries >= MESSAGES + REDELIVERIES && running && waiting.every((count) => count === 0);
  };
  await until(settled, SLOW_MACHINE_MS);
  await Promise.all(service.listeners.map((listener) => listener.drain(20_000)));
  await service.stop();
  const metrics = await service.metrics.render();
  const marks = await kit.marks();
  expect(new Set(marks).size).toBe(MESSAGES);
  expect(marks).toHaveLength(MESSAGES);
  expect(lostAcks).toBeGreaterThanOrEqual(3);
  // a run in which no command met its twin would prove half of it
  expect(metrics).toMatch(/^warren_commands_total\{[^}]*"busy"[^}]*\} [1-9]/m);
  expect(runs).toBeGreaterThanOrEqual(MESSAGES);
  expect([await raw.ready('allocator.commands'), await raw.ready('allocator.dead')]).toEqual([0, 0]);
  await kit.close();
});
