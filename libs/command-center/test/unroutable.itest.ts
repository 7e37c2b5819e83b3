import { declareServiceTopology, EXCHANGE, QueueDepths } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { deleteExchange, deleteQueue, unbindQueue } from '@warren/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { broken, Kit, logger, nextOf, type RawChannel, type TestService, until, WORK } from './kit.ts';

const UNROUTABLE = 'warren.unroutable';
const QUEUE = 'allocator.commands';

let kit: Kit;
let raw: RawChannel;
let service: TestService;

beforeEach(async () => {
  kit = await Kit.open();
  kit.works.set('defect', async () => {
    throw new TypeError('a defect');
  });
  kit.works.set('always', async () => {
    throw broken();
  });
  service = await kit.service();
  ({ raw } = await kit.caller());
});

afterEach(() => kit.close());

const send = (how: string, headers: Record<string, unknown> = {}): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text: how }), {
    type: 'allocator.do_work@1',
    headers,
  });

test('a dead letter whose queue is unbound lands in warren.unroutable, which the metrics tell, and holds up nobody', async () => {
  const metrics = new Metrics('test');
  const link = await kit.link('consume');
  const depths = new QueueDepths({ link, queues: [UNROUTABLE, 'no.such.queue'], logger, metrics, everyMs: 50 });
  kit.defer(async () => depths.stop());
  depths.start();
  const depth = async (): Promise<string | undefined> =>
    /warren_rabbit_queue_messages\{queue="warren\.unroutable"[^}]*\} (\d+)/.exec(await metrics.render())?.[1];
  await until(async () => (await depth()) === '0');
  await unbindQueue(kit.vhost.url, 'allocator.dead', { exchange: EXCHANGE.dead, pattern: 'allocator.dead' });
  await send('defect');
  await until(async () => (await depth()) === '1');
  const { headers, body } = await nextOf(raw, UNROUTABLE);
  expect(headers).toMatchObject({ 'warren-reason': 'defect', 'warren-source-queue': QUEUE });
  expect(JSON.parse(body)).toMatchObject({ how: 'defect' });
  await until(async () => (await depth()) === '0');
  await service.stop();
  expect(await raw.ready(QUEUE)).toBe(0);
});

test('a retry whose way back is unbound lands in warren.unroutable', async () => {
  await unbindQueue(kit.vhost.url, QUEUE, { exchange: EXCHANGE.deliver, pattern: QUEUE });
  await send('always');
  const { headers } = await nextOf(raw, UNROUTABLE, 10_000);
  expect(headers).toMatchObject({ 'warren-attempt': 2, 'warren-error-code': 'SERVICE_UNAVAILABLE' });
  expect(await raw.ready('allocator.retry.1s')).toBe(0);
});

test('a service does not start without the queue of the unroutable, its exchange or that of the dead letters, and names it', async () => {
  await service.stop();
  const link = await kit.link('consume');
  const missing = (name: string): Promise<void> =>
    expect(declareServiceTopology(link, 'allocator')).rejects.toMatchObject({
      code: 'BROKER_TOPOLOGY_MISSING',
      message: expect.stringContaining(name) as string,
    });
  await declareServiceTopology(link, 'allocator');
  await deleteQueue(kit.vhost.url, UNROUTABLE);
  await missing(`queue ${UNROUTABLE}`);
  await deleteExchange(kit.vhost.url, EXCHANGE.unroutable);
  await missing(`exchange ${EXCHANGE.unroutable}`);
  await deleteExchange(kit.vhost.url, EXCHANGE.dead);
  await missing(`exchange ${EXCHANGE.dead}`);
});
