import { spawn } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REPO } from '../e2e/support/app_process.ts';
import { until } from '../e2e/support/until.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';

const WAIT_MS = 40_000;
const ENTER_SCREEN = '\x1b[?1049h';
const LEAVE_SCREEN = '\x1b[?1049l';

let system: WarrenSystem;
let gatewayUrl: string;

beforeAll(async () => {
  system = await WarrenSystem.start();
  gatewayUrl = system.gatewayUrls[0] ?? '';
  await system.startGameServer(gatewayUrl, { GAME_MATCH_SECONDS: '10' });
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toEqual([]);
}, 60_000);

interface Terminal {
  readonly text: () => string;
  readonly type: (keys: string) => void;
  readonly code: () => number | null | undefined;
}

/** The terminal client in a pseudo terminal, which `script` of every Linux provides. */
function play(): Terminal {
  const main = path.join(REPO, 'examples/play/src/main.ts');
  const command = `stty cols 80 rows 24; exec '${process.execPath}' '${main}' '${gatewayUrl}'`;
  const env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', TERM: 'xterm', SHELL: '/bin/sh' };
  const child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], { env, stdio: 'pipe' });
  let text = '';
  let code: number | null | undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // keys that come after the end of the program go nowhere, as in a terminal
  child.stdin.on('error', () => undefined);
  child.on('close', (status) => {
    code = status;
  });
  return { text: () => text, type: (keys) => void child.stdin.write(keys), code: () => code };
}

it('a person plays a match in a terminal: the garden appears, keys steer, the verdict is told on the restored screen', {
  timeout: 90_000,
}, async () => {
  const terminal = play();
  await until(() => terminal.text().includes('CARROT RUSH'), { timeoutMs: WAIT_MS, what: 'the garden is drawn' });
  const steer = setInterval(() => terminal.type('d \x1b[B'), 300);
  await until(() => terminal.code() !== undefined, { timeoutMs: WAIT_MS, what: 'the match is over' }).finally(() =>
    clearInterval(steer),
  );
  const text = terminal.text();
  expect(terminal.code()).toBe(0);
  expect(text.indexOf(ENTER_SCREEN)).toBeGreaterThan(text.indexOf('Looking for a match'));
  expect(text.slice(text.lastIndexOf(LEAVE_SCREEN))).toMatch(/You (won|lost) \d+ : \d+\./);
  const screen = stripVTControlCharacters(text);
  for (const sign of ['@ You', '& Bigwig', 'Arrows or WASD', 'You dashed.']) expect(screen).toContain(sign);
});

it('a person who quits gets the terminal back and no complaint', { timeout: 90_000 }, async () => {
  const terminal = play();
  await until(() => terminal.text().includes('CARROT RUSH'), { timeoutMs: WAIT_MS, what: 'the garden is drawn' });
  terminal.type('q');
  await until(() => terminal.code() !== undefined, { timeoutMs: 5_000, what: 'the client ends' });
  const text = terminal.text();
  expect([terminal.code(), text.slice(text.lastIndexOf(LEAVE_SCREEN) + LEAVE_SCREEN.length).trim()]).toEqual([
    0,
    'You left the match.',
  ]);
});
