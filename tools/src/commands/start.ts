import { parseArgs } from 'node:util';
import { playMatch } from '@warren/example-bots';
import type { Clone } from '../clone/clone.ts';
import { settingsOf } from '../env/secrets.ts';
import { inSeconds, say, sayPlain } from '../output.ts';
import { endProcesses, runningProcesses, runningStarter } from '../processes/process_record.ts';
import { resetClone } from '../setup/reset_clone.ts';
import { sentenceOf, ToolError } from '../tool_error.ts';
import { printPlaces, type RunningSystem, runSystem } from './run_system.ts';

const STOP_GRACE_MS = 15_000;

function parse(args: readonly string[]): { once: boolean; reset: boolean } {
  try {
    const options = { once: { type: 'boolean', default: false }, reset: { type: 'boolean', default: false } } as const;
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : 'Bad arguments'}; see \`npm start -- --help\`.`, {
      exitCode: 2,
    });
  }
}

async function reset(clone: Clone): Promise<void> {
  const starter = runningStarter(clone);
  if (starter !== undefined)
    throw new ToolError(`Warren runs in this folder (pid ${starter.pid}): end it with \`npm stop\` first.`);
  await endProcesses(clone, runningProcesses(clone), STOP_GRACE_MS);
  await resetClone(clone, settingsOf(clone, process.env));
  say('reset: this clone has no data any more; .env and the installed packages stay');
}

function matchFailed(cause: unknown): never {
  throw new ToolError(`The match failed: ${sentenceOf(cause)}`, { cause });
}

/** One match by two scripted players through the public API, which read the stored result back at the end. */
async function play({ plan, interrupt }: RunningSystem): Promise<void> {
  const [gatewayUrl = '', secondGatewayUrl = gatewayUrl] = plan.gatewayUrls;
  const begin = performance.now();
  const onStep = (name: string, ms: number): void => say(`match: ${name} (${Math.round(ms)} ms)`);
  const match = await interrupt.race(playMatch({ gatewayUrl, secondGatewayUrl, onStep }).catch(matchFailed));
  say(`match: ended after ${inSeconds(performance.now() - begin)}`);
  sayPlain(`match.ended game=${match.gameId} winner=${match.winner} trace=${match.traceId}`);
}

/** `npm start`. */
export async function start(clone: Clone, args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options.reset) await reset(clone);
  else {
    await runSystem(clone, async (running) => {
      running.system.keepAlive();
      await play(running);
      if (options.once) return;
      printPlaces(running);
      say('up; Ctrl-C stops everything that was started here');
      await running.interrupt.pressed;
    });
  }
  return 0;
}
