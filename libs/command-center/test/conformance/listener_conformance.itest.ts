import { faultProxy, tempVhost } from '@warren/testing';
import { describe, test } from 'vitest';
import { LISTENER_CASES } from './listener_cases.ts';

describe('a listener on RabbitMQ', () => {
  test.each([...LISTENER_CASES])('$title', async ({ run }) => {
    const vhost = await tempVhost();
    const { hostname, port } = new URL(vhost.url);
    const proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5672) } });
    try {
      await run({
        url: proxy.through(vhost.url),
        connect: undefined,
        cut: () => void proxy.cut(),
      });
    } finally {
      await proxy.close();
      await vhost.drop();
    }
  });
});
