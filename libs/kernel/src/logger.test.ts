import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const kernel = fileURLToPath(new URL('./index.ts', import.meta.url));

/** Runs a program with a logger in a process of its own and returns what it printed. */
function printed(options: object, body: string): string {
  const program = `import { createLogger, runInContext, startTrace } from ${JSON.stringify(kernel)};
    const logger = createLogger(${JSON.stringify({ service: 'shop', level: 'info', format: 'json', traceCaller: false, ...options })});
    ${body}`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(result.stderr).toBe('');
  return result.stdout;
}

test('each line carries service and pid, and inside of work its trace and command', () => {
  const [line = ''] = printed(
    {},
    `const trace = startTrace(); runInContext({ trace, command: 'shop.buy' }, () => logger.info({ expected: trace.traceId }, 'sold'));`,
  ).split('\n');
  const entry = JSON.parse(line) as Record<string, unknown>;
  expect(entry).toMatchObject({ level: 'info', service: 'shop', command: 'shop.buy', msg: 'sold' });
  expect(entry['trace']).toBe(entry['expected']);
  expect(typeof entry['pid']).toBe('number');
});

test('secrets are taken out by the names of their fields, also one and two levels down', () => {
  const text = printed(
    {},
    `logger.warn({ password: 'canary-1', account: { refresh_token: 'canary-2', deep: { authorization: 'canary-3' } }, url: 'amqp://u:canary-4@h' }, 'x');`,
  );
  expect(text).not.toContain('canary');
  expect(text).toContain('[redacted]');
});

test('of one warning ten lines are written in ten seconds, of other lines all', () => {
  const text = printed(
    {},
    `for (let i = 0; i < 30; i++) { logger.warn({ i }, 'away'); logger.error({ i }, 'also away'); logger.info('done'); }
     logger.child({ queue: 'q' }).warn('away'); logger.fatal('away');`,
  );
  const lines = text.split('\n').filter((line) => line !== '');
  const levels = lines.map((line) => (JSON.parse(line) as { level: string }).level);
  expect(levels.filter((level) => level === 'warn')).toHaveLength(10);
  expect(levels.filter((level) => level === 'error')).toHaveLength(10);
  expect(levels.filter((level) => level === 'info')).toHaveLength(30);
  expect(levels.filter((level) => level === 'fatal')).toHaveLength(1);
});

test.each([
  ['ERROR', 0],
  ['WARNING', 1],
  ['debug', 2],
])('the level %s is understood', (level, lines) => {
  const text = printed({ level }, `logger.info('one'); logger.warn('two');`);
  expect(text.split('\n').filter((line) => line !== '')).toHaveLength(lines);
});

test('the text format is for people, and says where the call was made when asked', () => {
  const text = printed({ format: 'text', traceCaller: true }, `logger.info('hello');`);
  expect(text).toContain('hello');
  expect(text).not.toMatch(/^\{/);
});
