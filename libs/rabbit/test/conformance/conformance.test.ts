import { describe, test } from 'vitest';
import { Bench } from './bench.ts';
import { CASES } from './cases.ts';
import { memoryUnderTest } from './memory_under_test.ts';
import { SERVER_CASES } from './server_cases.ts';

const all = { ...CASES, 'a server': SERVER_CASES };

describe.each(Object.entries(all))('on the twin: %s', (_subject, cases) => {
  test.each([...cases])('$title', async ({ run }) => {
    const broker = await memoryUnderTest();
    const bench = await Bench.on(broker);
    try {
      await run(bench);
    } finally {
      await bench.close();
      await broker.close();
    }
  });
});
