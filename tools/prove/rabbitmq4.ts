import { spawn } from 'node:child_process';
import path from 'node:path';
import { privateServers } from '@warren/testing';
import { say, sayPlain } from '../src/output.ts';
import { exitOf } from '../src/processes/exit_of.ts';
import { Interrupt } from '../src/processes/interrupt.ts';

/** What RabbitMQ 4 has to do just as 3.10 does: the suite that the twin passes, every user's rights, A-02 to. */
const TESTS = [
  'libs/rabbit/test',
  'tests/acceptance/nothing_is_lost_when_the_broker_fails',
  'tests/acceptance/poison_messages_are_parked_once',
];
const root = path.resolve(import.meta.dirname, '..', '..');
const debian = path.join(root, '.warren', 'trixie');
const interrupt = new Interrupt();

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  void interrupt.pressed.then(() => child.kill('SIGTERM'));
  return exitOf(child);
}

async function testOnItsRabbit(patterns: readonly string[]): Promise<number> {
  const servers = await privateServers();
  try {
    const { url, managementUrl = '' } = await servers.rabbit({ management: true });
    interrupt.check();
    const program = path.join(root, 'tools', 'warren.mjs');
    // one file after the other: each loads the whole machine
    const command = [process.execPath, program, 'test', ...patterns, '--no-file-parallelism'];
    return await run(command, { RABBITMQ_URL: url, RABBITMQ_ADMIN_URL: managementUrl });
  } finally {
    await servers.destroy();
  }
}

/** `rabbitmq4 [pattern …]`: the tests, or those whose path holds a pattern, on the RabbitMQ of Debian 13. */
async function main(patterns: readonly string[]): Promise<number> {
  const built = await run([path.join(import.meta.dirname, 'trixie_root.sh'), debian]);
  if (built !== 0) return built;
  // for the broker of the run, and for those that tests start by themselves
  process.env['WARREN_TEST_RABBITMQ_ROOT'] = debian;
  process.env['TMPDIR'] = path.join(debian, 'tmp');
  process.env['WARREN_TEST_SIZE'] ??= 'full';
  say('starting the RabbitMQ of Debian 13');
  const code = await testOnItsRabbit(patterns.length > 0 ? patterns : TESTS);
  sayPlain(code === 0 ? 'rabbitmq4: ok' : 'rabbitmq4: failed');
  return code;
}

process.exitCode = await main(process.argv.slice(2));
