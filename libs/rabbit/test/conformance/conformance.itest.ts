import { describe, test } from 'vitest';
import { Bench } from './bench.ts';
import { CASES } from './cases.ts';
import { rabbitUnderTest } from './rabbit_under_test.ts';

describe.each(Object.entries(CASES))('on RabbitMQ: %s', (_subject, cases) => {
  test.each([...cases])('$title', async ({ run }) => {
    const broker = await rabbitUnderTest();
    const bench = await Bench.on(broker);
    try {
      await run(bench);
    } finally {
      await bench.close();
      await broker.close();
    }
  });
});
