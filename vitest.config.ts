import { defineConfig } from 'vitest/config';

const places = ['apps', 'libs', 'tests', 'examples', 'tools'];
const exclude = ['**/node_modules/**', '**/.warren/**'];

/**
 * `unit` needs nothing but Node; `real` meets RabbitMQ, Postgres and Redis, whose addresses `npm test` puts into
 * WARREN_TEST_*.
 */
export default defineConfig({
  test: {
    reporters: ['default'],
    maxWorkers: 2,
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'unit',
          include: places.map((place) => `${place}/**/*.test.ts`),
          exclude,
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          name: 'real',
          include: places.map((place) => `${place}/**/*.itest.ts`),
          exclude,
          globalSetup: ['./libs/testing/src/vitest_global_setup.ts'],
          // processes under test may miss a time limit once on a busy machine; a defect fails twice
          retry: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
