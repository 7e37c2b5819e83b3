import { randomUUID } from 'node:crypto';
import { RESOURCE } from '@warren/command-center';
import type { Recipient } from '@warren/contracts';
import { PUSH_PARTITIONS } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SESSION } from '../src/index.ts';
import { GatewayHarness, type TestGateway } from './gateway_harness.ts';

let harness: GatewayHarness;
let gateway: TestGateway;

beforeAll(async () => {
  harness = await GatewayHarness.create();
  gateway = await harness.gateway();
});

afterAll(async () => {
  await harness.close();
});

const POLL = { timeout: 20_000, interval: 50 };

function somebody(): { token: () => string; recipient: Recipient } {
  const id = randomUUID();
  return { token: () => harness.playerToken(id), recipient: `player:${id}` };
}

test('An event reaches the socket of its player with the next number, in order', async () => {
  const { token, recipient } = somebody();
  const socket = await harness.connect(gateway, token());
  for (let i = 1; i <= 20; i++) await harness.push(gateway, recipient, { type: 'match.found', payload: { i } });
  await expect.poll(() => socket.seqs.length, POLL).toBe(20);
  expect(socket.frames.filter((frame) => 'seq' in frame)).toEqual(
    Array.from({ length: 20 }, (_, i) => ({ seq: i + 1, type: 'match.found', payload: { i: i + 1 } })),
  );
  socket.ws.terminate();
});

test('A message that comes twice is one event', async () => {
  const { token, recipient } = somebody();
  const socket = await harness.connect(gateway, token());
  for (const id of ['once', 'once', 'other'])
    await harness.push(gateway, recipient, { type: 'match.ended', messageId: `${recipient}-${id}` });
  await expect.poll(() => socket.seqs, POLL).toEqual([1, 2]);
  socket.ws.terminate();
});

test('Events for a player who is away wait until they connect, and what was acknowledged is not sent again', async () => {
  const { token, recipient } = somebody();
  for (let i = 1; i <= 3; i++) await harness.push(gateway, recipient, { type: 'match.found', payload: { i } });
  const ring = gateway.container.resolve(SESSION.ring);
  await expect.poll(async () => (await ring.read(recipient, 0, 10)).length, POLL).toBe(3);
  const first = await harness.connect(gateway, token());
  await expect.poll(() => first.seqs, POLL).toEqual([1, 2, 3]);
  first.send({ ack: 2 });
  await expect.poll(async () => (await ring.read(recipient, 0, 10)).map((event) => event.seq), POLL).toEqual([3]);
  const second = await harness.connect(gateway, token());
  expect(second.welcome.lastSeq).toBe(2);
  await expect.poll(() => second.seqs, POLL).toEqual([3]);
  second.ws.terminate();
});

test('A client that resumes gets exactly the events after the last one it saw', async () => {
  const { token, recipient } = somebody();
  const first = await harness.connect(gateway, token());
  await harness.push(gateway, recipient, { type: 'match.found', payload: { n: 1 } });
  await expect.poll(() => first.seqs, POLL).toEqual([1]);
  first.ws.terminate();
  await first.closed;
  await harness.push(gateway, recipient, { type: 'match.ended', payload: { n: 2 } });
  await harness.push(gateway, recipient, { type: 'match.ended', payload: { n: 3 } });
  const ring = gateway.container.resolve(SESSION.ring);
  await expect.poll(async () => (await ring.read(recipient, 0, 10)).length, POLL).toBe(3);
  const second = await harness.connect(gateway, token());
  second.send({ resume: { session: first.welcome.session, lastSeq: 1 } });
  expect(await second.next((frame) => 'resumed' in frame)).toEqual({ resumed: { lastSeq: 1, replayed: 2 } });
  await expect.poll(() => second.seqs.slice(-2), POLL).toEqual([2, 3]);
  second.ws.terminate();
});

test.each([
  ['of another life of the ring', (session: string) => ({ session: `not-${session}`, lastSeq: 1 })],
  ['from before what is kept', (session: string) => ({ session, lastSeq: 0 })],
  ['from a number that was never given', (session: string) => ({ session, lastSeq: 99 })],
])('A client that resumes %s is told of the gap and gets what there is', async (_title, resume) => {
  const { token, recipient } = somebody();
  const first = await harness.connect(gateway, token());
  for (let i = 1; i <= 3; i++) await harness.push(gateway, recipient, { type: 'match.found', payload: { i } });
  await expect.poll(() => first.seqs, POLL).toEqual([1, 2, 3]);
  first.send({ ack: 2 });
  const ring = gateway.container.resolve(SESSION.ring);
  await expect.poll(async () => (await ring.read(recipient, 0, 10)).length, POLL).toBe(1);
  const second = await harness.connect(gateway, token());
  const asked = resume(first.welcome.session);
  second.send({ resume: asked });
  expect(await second.next((frame) => 'gap' in frame)).toEqual({ gap: { lastSeq: asked.lastSeq, firstSeq: 3 } });
  await expect.poll(() => second.seqs.at(-1), POLL).toBe(3);
  second.ws.terminate();
});

test('A ring that is full drops the oldest events, and the client is told', async () => {
  const { token, recipient } = somebody();
  const ring = gateway.container.resolve(SESSION.ring);
  for (let i = 1; i <= 520; i++)
    await ring.append(recipient, { messageId: `m${i}`, type: 'match.found', payload: '{}' });
  const socket = await harness.connect(gateway, token());
  expect(await socket.next((frame) => 'gap' in frame)).toEqual({ gap: { lastSeq: 0, firstSeq: 9 } });
  await expect.poll(() => socket.seqs.length, POLL).toBe(512);
  expect([socket.seqs[0], socket.seqs.at(-1)]).toEqual([9, 520]);
  socket.ws.terminate();
});

test('An event whose hint is lost arrives with the sweep', async () => {
  const { token, recipient } = somebody();
  const socket = await harness.connect(gateway, token());
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ring = gateway.container.resolve(SESSION.ring);
  await ring.append(recipient, { messageId: 'unhinted', type: 'match.found', payload: '{"a":1}' });
  await expect.poll(() => socket.seqs, POLL).toEqual([1]);
  socket.ws.terminate();
});

test('A client that does not read is closed with 4408 and its events stay in the ring', async () => {
  const { token, recipient } = somebody();
  const socket = await harness.connect(gateway, token());
  socket.ws.pause();
  const ring = gateway.container.resolve(SESSION.ring);
  const payload = JSON.stringify('x'.repeat(100_000));
  for (let i = 1; i <= 200; i++) await ring.append(recipient, { messageId: `big${i}`, type: 'match.found', payload });
  await new Promise((resolve) => setTimeout(resolve, 9_000));
  socket.ws.resume();
  expect(await socket.closed).toBe(4408);
  expect((await ring.read(recipient, 0, 500)).length).toBe(200);
});

test('Redis that forgets everything ends the socket, so that the client begins anew', async () => {
  const { token, recipient } = somebody();
  const socket = await harness.connect(gateway, token());
  const { commands } = gateway.container.resolve(RESOURCE.redis);
  await commands.del(
    `ring:{${recipient}}:meta`,
    `ring:{${recipient}}:events`,
    `ring:{${recipient}}:seen`,
    `presence:{${recipient}}`,
  );
  const ring = gateway.container.resolve(SESSION.ring);
  await ring.append(recipient, { messageId: 'after', type: 'match.found', payload: '{}' });
  expect(await socket.closed).toBe(1012);
  const again = await harness.connect(gateway, token());
  expect(again.welcome.session).not.toBe(socket.welcome.session);
  await expect.poll(() => again.seqs, POLL).toEqual([1]);
  again.ws.terminate();
});

test('A push that cannot be read goes to the dead letters and blocks nobody', async () => {
  const { token, recipient } = somebody();
  const socket = await harness.connect(gateway, token());
  await harness.pushRaw(gateway, recipient, Buffer.from('{"recipient":"nobody"}'));
  await harness.push(gateway, recipient, { type: 'match.found' });
  await expect.poll(() => socket.seqs, POLL).toEqual([1]);
  await expect
    .poll(async () => (await harness.vhost.queues()).find((queue) => queue.name === 'gateway.dead')?.messages, {
      timeout: 20_000,
      interval: 1_000,
    })
    .toBe(1);
  socket.ws.terminate();
});

test('Two gateways share the partitions, events cross between them, and the survivor takes over when one dies', {
  timeout: 90_000,
}, async () => {
  const second = await harness.gateway();
  await expect.poll(() => [gateway.server.partitions.length, second.server.partitions.length], POLL).toEqual([8, 8]);
  expect(new Set([...gateway.server.partitions, ...second.server.partitions]).size).toBe(PUSH_PARTITIONS);
  const people = Array.from({ length: 12 }, somebody);
  const sockets = await Promise.all(
    people.map(({ token }, i) => harness.connect(i % 2 === 0 ? gateway : second, token())),
  );
  for (const { recipient } of people) await harness.push(gateway, recipient, { type: 'match.found' });
  await expect.poll(() => sockets.map((socket) => socket.seqs.length), POLL).toEqual(sockets.map(() => 1));
  await second.crash();
  await expect.poll(() => gateway.server.partitions.length, { timeout: 30_000, interval: 200 }).toBe(PUSH_PARTITIONS);
  for (const { recipient } of people) await harness.push(gateway, recipient, { type: 'match.ended' });
  await expect
    .poll(() => sockets.filter((_, i) => i % 2 === 0).map((socket) => socket.seqs.length), POLL)
    .toEqual([2, 2, 2, 2, 2, 2]);
  const moved = await harness.connect(gateway, people[1]?.token() ?? '');
  await expect.poll(() => moved.seqs, POLL).toEqual([1, 2]);
  for (const socket of [...sockets, moved]) socket.ws.terminate();
});

test('A gateway that stops in order gives its partitions back at once', async () => {
  const third = await harness.gateway();
  await expect.poll(() => third.server.partitions.length, POLL).toBe(8);
  await third.close();
  const startedAt = performance.now();
  await expect.poll(() => gateway.server.partitions.length, POLL).toBe(PUSH_PARTITIONS);
  expect(performance.now() - startedAt).toBeLessThan(4_500);
});
