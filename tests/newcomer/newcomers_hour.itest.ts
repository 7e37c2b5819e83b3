import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type PrivateServers, privateServers } from '@warren/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { say } from '../e2e/support/say.ts';
import { differenceOf, readTranscript, runTranscript } from '../readme/support/transcript.ts';
import { checkOut, newcomersEnvironment } from './support/checkout.ts';
import { edited, readPage, type Step } from './support/page.ts';
import { Terminal } from './support/terminal.ts';

const SET_UP_MS = 120_000;
const PAGE_MS = 300_000;
const CHECK = 'npm run check';
/**
 * The unit tests that see the whole tree. The others know nothing of what the pages add, are part of the run that this test is part
 * of, and would take two minutes.
 */
const OF_THE_TREE = [
  'tests/architecture/contracts',
  'tests/architecture/layers',
  'tests/architecture/packages',
  'tests/architecture/registries',
  'tests/architecture/sources',
  'tests/architecture/tracked_files',
  'tests/deployment/compose',
  'tests/readme',
  'tests/topology',
];

const root = fs.mkdtempSync(path.join(os.tmpdir(), "warren newcomer's "));
let servers: PrivateServers;
let env: Record<string, string>;

beforeAll(async () => {
  checkOut(root);
  servers = await privateServers();
  const [rabbit, postgres, redis] = await Promise.all([
    servers.rabbit({ management: true }),
    servers.postgres(),
    servers.redis(),
  ]);
  env = {
    ...newcomersEnvironment(),
    RABBITMQ_URL: rabbit.url,
    RABBITMQ_ADMIN_URL: rabbit.managementUrl ?? '',
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
  };
}, SET_UP_MS);

afterAll(async () => {
  if (env !== undefined) await new Terminal('npm stop', { cwd: root, env }).ended();
  await servers?.destroy();
  fs.rmSync(root, { recursive: true, force: true });
}, SET_UP_MS);

const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8');

/** Checks that the pages ask for. Each judges the whole tree, so that one at the end says as much. */
const checks = new Set<string>();

/** Does what a page says, from its first line to its last. */
async function follow(page: string): Promise<void> {
  const reader = new Reader();
  for (const step of readPage(read(page))) {
    try {
      await reader.take(step);
    } catch (cause) {
      await reader.leave();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${page}, line ${step.line}: ${why}`, { cause });
    }
  }
}

/** Runs a command to its end and says how long it took. */
async function run(command: string): Promise<string> {
  const begin = performance.now();
  const output = await new Terminal(command, { cwd: root, env }).ended();
  say(`${command}: ${Math.round(performance.now() - begin)} ms`);
  return output;
}

/** Somebody with a terminal, an editor, and a second terminal for what stays up. */
class Reader {
  #up: Terminal | undefined;
  #api = '';

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'run':
        return this.#run(step.command);
      case 'stays_up':
        return this.#start(step.command);
      case 'section_end':
        return this.leave();
      case 'transcript':
        return this.#talk(step.markdown);
      case 'edit': {
        const file = path.join(root, step.edit.file);
        const before = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
        fs.mkdirSync(path.dirname(file), { recursive: true });
        return fs.writeFileSync(file, edited(before, step.edit));
      }
      default:
        return step satisfies never;
    }
  }

  async leave(): Promise<void> {
    const up = this.#up;
    this.#up = undefined;
    if (up !== undefined) expect(await up.pressCtrlC()).toMatch(/ stopped: .*inventory-svc/);
  }

  async #run(command: string): Promise<void> {
    if (command.startsWith(CHECK)) {
      checks.add(command);
      return;
    }
    const output = await run(command);
    if (command.startsWith('npm test'))
      expect(output.trimEnd().split('\n').at(-1)).toMatch(/^[1-9]\d* passed, 0 failed$/);
  }

  async #start(command: string): Promise<void> {
    this.#up = new Terminal(command, { cwd: root, env });
    await this.#up.printed(/inventory-svc is ready/);
    const [, api = ''] = await this.#up.printed(/ API +(http:\S+)/);
    this.#api = api;
  }

  async #talk(markdown: string): Promise<void> {
    const steps = readTranscript(markdown);
    expect(steps.length).toBeGreaterThan(0);
    const outputs = await runTranscript(steps, { API: this.#api });
    for (const [index, each] of steps.entries()) expect(differenceOf(each, outputs[index] ?? '')).toBeUndefined();
  }
}

// a second try would find what the first one wrote
describe('a newcomer', { timeout: PAGE_MS, retry: 0 }, () => {
  test('docs/adding_a_service.md, word by word: a service that runs and answers, more commands and a setting', () =>
    follow('docs/adding_a_service.md'));

  test('docs/adding_a_command.md, word by word: commands with the tool and one by hand', () =>
    follow('docs/adding_a_command.md'));

  test('the check that both pages ask for passes with all that they wrote', async () => {
    expect([...checks]).toEqual([`${CHECK} -- --fix`]);
    await run(`${CHECK} -- --fix ${OF_THE_TREE.join(' ')}`);
  });
});
