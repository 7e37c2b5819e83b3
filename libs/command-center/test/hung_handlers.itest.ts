import { EXCHANGE } from '@warren/rabbit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Kit, leaveMark, pause, type RawChannel, until, WORK } from './kit.ts';

const QUEUE = 'allocator.commands';
const HUNG = 2;
const GRACE_MS = 500;
/** Aborting, closing a channel and both links: each has a limit of its own. */
const STOP_MS = 6_000;

let kit: Kit;
let raw: RawChannel;

beforeEach(async () => {
  kit = await Kit.open();
  ({ raw } = await kit.caller());
});

afterEach(() => kit.close());

const send = (how: string, text: string): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text }), { type: 'allocator.do_work@1' });

test('handlers that never end are counted and keep nobody: others go on, a reconnect subscribes again, the stop ends in time', async () => {
  const { promise: never, resolve: end } = Promise.withResolvers<void>();
  let hanging = 0;
  kit.works.set('hang', async (dto, context) => {
    await leaveMark(context, `late ${dto.text}`);
    hanging++;
    await never;
    return { done: '' };
  });
  kit.works.set('mark', async (dto, context) => {
    await leaveMark(context, dto.text);
    return { done: dto.text };
  });
  const proxy = await kit.proxy();
  const url = proxy.through(kit.vhost.url);
  const service = await kit.service({ url, maxConcurrentTasks: 2, commandProcessingTimeoutMs: 400 });
  const commands = service.listeners.find(({ queue }) => queue === QUEUE);
  for (let i = 0; i < HUNG; i++) await send('hang', String(i));
  await until(() => hanging === HUNG);
  await until(async () => /warren_command_zombies\{[^}]*commands[^}]*\} 2/.test(await service.metrics.render()));
  for (const text of ['a', 'b', 'c']) await send('mark', text);
  await until(async () => (await kit.marks()).length === 3);
  proxy.cut();
  await until(() => commands?.problem === 'the consumer is lost and is being set up again');
  await until(() => commands?.problem !== 'the consumer is lost and is being set up again');
  for (const text of ['d', 'e']) await send('mark', text);
  await until(async () => (await kit.marks()).length === 5);
  const startedAt = performance.now();
  await commands?.drain(GRACE_MS);
  await service.stop();
  expect(performance.now() - startedAt).toBeLessThan(STOP_MS);
  expect(commands?.state).toBe('stopped');
  end();
  await pause(100);
  expect(await kit.marks()).toEqual(['a', 'b', 'c', 'd', 'e']);
});
