import { MemoryBroker } from '@warren/rabbit/memory';
import { describe, test } from 'vitest';
import { LISTENER_CASES } from './listener_cases.ts';

describe('a listener on the twin', () => {
  test.each([...LISTENER_CASES])('$title', async ({ run }) => {
    const broker = new MemoryBroker();
    try {
      await run({
        url: broker.url(),
        connect: broker.connect,
        cut: () => void broker.cut(),
      });
    } finally {
      broker.close();
    }
  });
});
