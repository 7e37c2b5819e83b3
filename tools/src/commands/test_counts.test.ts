import { expect, test } from 'vitest';
import { countTests } from './test.ts';

const file = (status: string, ...assertions: string[]) => ({
  status,
  assertionResults: assertions.map((state) => ({ status: state })),
});

test.each([
  [
    { numPassedTests: 3, numFailedTests: 0, testResults: [file('passed', 'passed')] },
    { passed: 3, failed: 0 },
  ],
  [
    { numPassedTests: 3, numFailedTests: 1, testResults: [file('failed', 'passed', 'failed')] },
    { passed: 3, failed: 1 },
  ],
  [
    { numPassedTests: 3, numFailedTests: 0, testResults: [file('failed')] },
    { passed: 3, failed: 1 },
  ],
  [
    { numPassedTests: 3, numFailedTests: 0, testResults: [file('failed', 'passed')] },
    { passed: 3, failed: 1 },
  ],
])('Counts of %j are %j: a file that does not load is a failure', (report, counts) => {
  expect(countTests(report)).toEqual(counts);
});
