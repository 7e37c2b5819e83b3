import { CREATE_TICKET, GET_ACCOUNT, MATCH_ENDED, MATCH_FAILED, SocketSession, WarrenClient } from '@warren/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultGateway, type FaultSocket, problem } from './support/fault_gateway.ts';

const ID = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';
const failed = (n: number): object => ({ game_id: ID, mode: 'duel', code: 'MATCH_ABORTED', message: String(n) });

let gateway: FaultGateway;
let session: SocketSession;
let states: string[];
let gaps: number;
let faults: unknown[];
let heard: number[];

function newSession(): SocketSession {
  const { api } = new WarrenClient({ baseUrl: gateway.url });
  const made = new SocketSession({
    api,
    path: '/v1/ws',
    token: (refused) => Promise.resolve(refused === undefined ? 'token-1' : 'token-2'),
    openForMs: 2_000,
    onState: (state, _reason, code) => states.push(code === undefined ? state : `${state} ${code}`),
    onGap: () => gaps++,
    onFault: (error) => faults.push(error),
  });
  made.events.on(MATCH_FAILED, ({ message }) => heard.push(Number(message)));
  return made;
}

/** Opens the session; resolves to the gateway's side of it. */
async function opened(lastSeq = 0, heartbeatMs = 15_000): Promise<FaultSocket> {
  const opening = session.open();
  const socket = await gateway.next();
  socket.welcome('s1', lastSeq, heartbeatMs);
  await opening;
  return socket;
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(check()).toBe(true);
}

beforeEach(async () => {
  gateway = await FaultGateway.start();
  [states, gaps, faults, heard] = [[], 0, [], []];
  session = newSession();
});
afterEach(async () => {
  session.close();
  await gateway.stop();
});

describe('a session', () => {
  it.each([
    ['text that is no JSON', 'garbage {'],
    ['half a frame', '{"seq":1,"type":"match.f'],
  ])('lets go of a link that brings %s, and resumes on another without loss or repeat', async (_title, garbage) => {
    const first = await opened();
    first.event(1, 'match.failed', failed(1));
    first.send(garbage);
    first.event(2, 'match.failed', failed(999));
    const second = await gateway.next();
    second.welcome('s1', 0);
    expect((await second.frame('resume'))['resume']).toEqual({ session: 's1', lastSeq: 1 });
    second.send({ resumed: { lastSeq: 1, replayed: 1 } });
    for (const n of [1, 2, 3]) second.event(n, 'match.failed', failed(n));
    await until(() => heard.length === 3);
    expect([heard, gaps, faults]).toEqual([[1, 2, 3], 0, []]);
  });

  it('passes over frames of a later version', async () => {
    const socket = await opened();
    for (const frame of [{ weather: 'fine' }, [], 7, null, { id: 'nobody', ok: true, payload: 1 }]) socket.send(frame);
    socket.event(1, 'later.event', {});
    socket.event(2, 'match.failed', failed(2));
    await until(() => heard.length === 1);
    expect([states, gaps, faults]).toEqual([['open'], 0, []]);
  });

  it.each([4400, 4401, 4408, 4429, 1012, 1001, 1000])('comes back after close code %i', async (code) => {
    const socket = await opened();
    socket.close(code, 'because');
    (await gateway.next()).welcome();
    await until(() => states.length === 3);
    expect(states).toEqual(['open', `lost ${code}`, 'open']);
  });

  it.each([4409, 4403])('is over after close code %i, and says so once', async (code) => {
    const socket = await opened();
    socket.close(code, 'because');
    await until(() => states.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(states).toEqual(['open', `closed ${code}`]);
    expect(gateway.sockets).toHaveLength(1);
    await expect(session.request(GET_ACCOUNT, {}, { retryForMs: 5_000 })).rejects.toMatchObject({
      code: 'NOT_CONNECTED',
      retryable: false,
    });
  });

  it('comes back when goodbye says, not sooner', async () => {
    const socket = await opened();
    socket.send({ goodbye: { reconnectAfterMs: 700 } });
    socket.close(1012, 'restart');
    const from = performance.now();
    (await gateway.next()).welcome();
    expect(performance.now() - from).toBeGreaterThanOrEqual(650);
  });

  it('waits longer and longer for a gateway that welcomes it and hangs up', async () => {
    let socket = await opened();
    const from = performance.now();
    for (let i = 0; i < 5; i++) {
      socket.close(1012);
      socket = await gateway.next();
      socket.welcome();
    }
    expect(performance.now() - from).toBeGreaterThan((100 + 200 + 400 + 800 + 1_600) / 2);
  });

  it('asks for another token when the gateway refuses the one it has', async () => {
    gateway.on('/v1/ws-tickets', ({ token }) =>
      token === 'token-2'
        ? { status: 201, body: { ticket: 't'.repeat(32), expires_in: 30 } }
        : problem(401, 'ACCESS_UNAUTHENTICATED'),
    );
    await opened();
    expect(gateway.to('/v1/ws-tickets').map(({ token }) => token)).toEqual(['token-1', 'token-2']);
  });

  it('keeps trying to open while the gateway is away, and gives up when the time is over', async () => {
    gateway.on('/v1/ws-tickets', () => problem(503, 'SERVICE_UNAVAILABLE', true));
    await expect(session.open()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(gateway.to('/v1/ws-tickets').length).toBeGreaterThan(3);
    expect(states).toEqual(['closed']);
  });

  it('leaves no socket behind when it is closed while it connects', async () => {
    const opening = session.open();
    const socket = await gateway.next();
    session.close();
    await expect(opening).rejects.toMatchObject({ name: 'WarrenError' });
    await until(() => !socket.open);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(gateway.sockets).toHaveLength(1);
  });

  it('notices a peer that is gone without a word', async () => {
    const socket = await opened(0, 1_000);
    expect((await socket.frame('resume'))['resume']).toEqual({ session: 's1', lastSeq: 0 });
    const second = await gateway.next();
    second.welcome();
    await until(() => states.length === 3);
    expect(states).toEqual(['open', 'lost 4002', 'open']);
  });
});

describe('events', () => {
  it('are acknowledged, again after a resume whose acknowledgement was lost, and never before the welcome', async () => {
    const first = await opened();
    first.event(1, 'match.failed', failed(1));
    await until(() => heard.length === 1);
    first.close(1012);
    const second = await gateway.next();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(second.frames.map((frame) => Object.keys(frame)[0])).toEqual(['auth']);
    second.welcome('s1', 0);
    expect(await second.frame('ack')).toEqual({ ack: 1 });
  });

  it('go to every listener though one throws, and one that does not fit is a gap', async () => {
    const socket = await opened();
    session.events.on(MATCH_FAILED, () => {
      throw new Error('listener');
    });
    const late: string[] = [];
    session.events.on(MATCH_FAILED, ({ message }) => late.push(message));
    socket.event(1, 'match.failed', failed(1));
    socket.event(2, 'match.failed', { nonsense: true });
    socket.event(3, 'match.failed', failed(3));
    await until(() => late.length === 2);
    expect([heard, late, gaps]).toEqual([[1, 3], ['1', '3'], 1]);
    expect(faults.map((fault) => fault instanceof Error && fault.message === 'listener').filter(Boolean)).toHaveLength(
      2,
    );
    expect(states).toEqual(['open']);
  });

  it('that the gateway numbers anew are a gap, and are all heard', async () => {
    const first = await opened(40);
    first.event(41, 'match.failed', failed(41));
    await until(() => heard.length === 1);
    first.close(1012);
    const second = await gateway.next();
    second.welcome('s2', 0);
    second.event(1, 'match.failed', failed(1));
    await until(() => heard.length === 2);
    expect([heard, gaps]).toEqual([[41, 1], 1]);
  });

  it('after a gap are heard, also where the gateway counts lower than this side', async () => {
    const socket = await opened(10);
    // written before the gateway had read where this side stands
    socket.send({ gap: { lastSeq: 3, firstSeq: 8 } });
    socket.event(11, 'match.failed', failed(11));
    await until(() => heard.length === 1);
    expect(gaps).toBe(0);
    socket.send({ gap: { lastSeq: 11, firstSeq: 20 } });
    socket.event(20, 'match.failed', failed(20));
    socket.send({ gap: { lastSeq: 20, firstSeq: 5 } });
    socket.event(5, 'match.failed', failed(5));
    await until(() => heard.length === 3);
    expect([heard, gaps]).toEqual([[11, 20, 5], 2]);
  });

  it('are waited for with an end: the reason of the signal', async () => {
    await opened();
    const reason = new Error('too late');
    const waiting = session.events.once(MATCH_ENDED, () => true, AbortSignal.any([AbortSignal.abort(reason)]));
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('a request', () => {
  it('fails typed when the link drops before the reply, and the late reply harms nobody', async () => {
    const socket = await opened();
    const request = session.request(GET_ACCOUNT, {});
    const { id } = await socket.frame('id');
    session.drop();
    await expect(request).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    await expect(session.request(GET_ACCOUNT, {})).rejects.toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
    const second = await gateway.next();
    second.welcome();
    second.send({ id, ok: true, payload: {} });
    await until(() => states.length === 3);
    expect(faults).toEqual([]);
  });

  it('with patience is sent again with the same key on the next link', async () => {
    const socket = await opened();
    const request = session.request(CREATE_TICKET, { mode: 'duel' }, { retryForMs: 5_000 });
    const first = await socket.frame('id');
    socket.close(1012);
    const second = await gateway.next();
    second.welcome();
    const again = await second.frame('id');
    expect(again['key']).toBe(first['key']);
    const payload = {
      ticket_id: ID,
      mode: 'duel',
      client_tag: '',
      state: 'active',
      game_id: null,
      created_at: '2026-01-01T00:00:00.000Z',
    };
    second.send({ id: again['id'], ok: true, payload });
    await expect(request).resolves.toMatchObject({ state: 'active' });
  });

  it('ends in time, by its signal, with the error of the service, or with a reply that does not fit', async () => {
    const socket = await opened();
    await expect(session.request(GET_ACCOUNT, {}, { deadlineMs: 1 })).rejects.toMatchObject({
      code: 'SERVICE_TIMEOUT',
      retryable: true,
    });
    await expect(session.request(GET_ACCOUNT, {}, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: 'CALL_ABORTED',
    });
    socket.frames.length = 0;
    const refused = session.request(GET_ACCOUNT, {});
    const error = { code: 'RATE_LIMITED', message: 'wait', retryable: true, retryAfterSeconds: 3 };
    socket.send({ id: (await socket.frame('id'))['id'], ok: false, error });
    await expect(refused).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 3 });
    socket.frames.length = 0;
    const odd = session.request(GET_ACCOUNT, {});
    socket.send({ id: (await socket.frame('id'))['id'], ok: true, payload: null });
    await expect(odd).rejects.toMatchObject({ code: 'REPLY_UNEXPECTED' });
  });

  it('that is too large, or one too many, is refused on this side and spares the connection', async () => {
    await opened();
    await expect(session.request(CREATE_TICKET, { mode: 'x'.repeat(17_000) })).rejects.toMatchObject({
      code: 'REQUEST_TOO_LARGE',
    });
    const waiting = Array.from({ length: 256 }, () =>
      session.request(GET_ACCOUNT, {}).catch((error: unknown) => error),
    );
    await expect(session.request(GET_ACCOUNT, {})).rejects.toMatchObject({ code: 'CLIENT_BUSY' });
    session.close();
    const ends = await Promise.all(waiting);
    expect(ends.every((end) => end instanceof Error && 'code' in end && end.code === 'CONNECTION_LOST')).toBe(true);
    expect(states).toEqual(['open', 'closed 1000']);
  });
});
