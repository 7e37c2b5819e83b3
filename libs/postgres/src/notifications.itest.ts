import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { type FaultProxy, faultProxy, type TempDatabase, tempDatabase } from '@warren/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { clientConfig, DEFAULT_TIMEOUTS } from './connection_settings.ts';
import { Database, sql, tables } from './index.ts';
import { NotificationLink } from './notification_link.ts';

let place: TempDatabase;
let proxy: FaultProxy;
let direct: Database;
let link: NotificationLink;

beforeAll(async () => {
  place = await tempDatabase();
  const { hostname, port } = new URL(place.url);
  proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5432) } });
  direct = new Database({ url: place.url, schema: 'public', logger: silentLogger(), metrics: new Metrics('test') });
});

beforeEach(() => {
  const timeouts = { ...DEFAULT_TIMEOUTS, connectMs: 500, queryMs: 500 };
  const config = clientConfig({ url: proxy.through(place.url), applicationName: 'warren.test.listen', timeouts });
  link = new NotificationLink({ config, logger: silentLogger(), heartbeatMs: 200 });
});

afterEach(async () => {
  proxy.flow('pass');
  await proxy.admit('pass');
  await link.close();
});

afterAll(async () => {
  await direct.close();
  await proxy.close();
  await place.drop();
});

const notify = (channel: string, payload: string) =>
  sql`select pg_notify(${channel}, ${payload})`.execute(tables(direct.read));

describe('Database.listen', () => {
  test('brings the payloads of its channel until it is ended', async () => {
    const heard: string[] = [];
    const stop = await direct.listen('wake', (payload) => heard.push(payload));
    await notify('wake', 'one');
    await notify('other', 'x');
    await vi.waitFor(() => expect(heard).toEqual(['one']));
    await stop();
    const other: string[] = [];
    await direct.listen('second', (payload) => other.push(payload));
    await notify('wake', 'two');
    await notify('second', 'three');
    await vi.waitFor(() => expect(other).toEqual(['three']));
    expect(heard).toEqual(['one']);
  });

  test('refuses a channel name that would be SQL', async () => {
    await expect(direct.listen('a; drop table x', () => undefined)).rejects.toThrow(/cannot name a channel/);
  });
});

describe('NotificationLink', () => {
  test('comes back after a cut and says with an empty payload that something may have been missed', async () => {
    const heard: string[] = [];
    await link.listen('wake', (payload) => heard.push(payload));
    expect(proxy.cut()).toBe(1);
    await vi.waitFor(() => expect(heard).toEqual(['']), { timeout: 3_000 });
    await notify('wake', 'after');
    await vi.waitFor(() => expect(heard).toEqual(['', 'after']));
  });

  test('notices a connection that is half open by its heartbeat', async () => {
    const heard: string[] = [];
    await link.listen('wake', (payload) => heard.push(payload));
    proxy.flow('drop');
    await new Promise((resolve) => setTimeout(resolve, 900));
    proxy.flow('pass');
    await vi.waitFor(() => expect(heard).toEqual(['']), { timeout: 3_000 });
    await notify('wake', 'after');
    await vi.waitFor(() => expect(heard).toEqual(['', 'after']));
  });

  test('starts while the server is away and subscribes when it is there', async () => {
    await proxy.admit('refuse');
    const heard: string[] = [];
    await link.listen('wake', (payload) => heard.push(payload));
    await proxy.admit('pass');
    await vi.waitFor(
      async () => {
        await notify('wake', 'hello');
        expect(heard).toContain('hello');
      },
      { timeout: 5_000, interval: 200 },
    );
  });

  test('serves two listeners of one channel, and goes on when one of them throws', async () => {
    const heard: string[] = [];
    await link.listen('wake', () => {
      throw new Error('listener');
    });
    const stop = await link.listen('wake', (payload) => heard.push(payload));
    await notify('wake', 'a');
    await vi.waitFor(() => expect(heard).toEqual(['a']));
    await stop();
    const third: string[] = [];
    await link.listen('wake', (payload) => third.push(payload));
    await notify('wake', 'b');
    await vi.waitFor(() => expect(third).toEqual(['b']));
    expect(heard).toEqual(['a']);
  });

  test('closes at once, also while the server is away, and refuses later listeners', async () => {
    await proxy.admit('refuse');
    await link.listen('wake', () => undefined);
    const startedAt = performance.now();
    await link.close();
    expect(performance.now() - startedAt).toBeLessThan(700);
    await expect(link.listen('more', () => undefined)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
