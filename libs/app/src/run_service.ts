import { AppError, toAppError } from '@warren/kernel';
import { createServiceApp, type RunningService } from './create_service_app.ts';
import type { ServiceDefinition } from './service_definition.ts';

const EXIT_CUT_SHORT = 1;
const CRASH_GRACE_MS = 5_000;
const DEFAULT_GRACE_MS = 10_000;

/**
 * The whole life of a service process: start, wait for SIGTERM or SIGINT, stop within the grace, exit. Exit code 0 only
 * when everything ended in order. A start that fails ends in one line on standard error and exit code 1.
 */
export async function runService(definition: ServiceDefinition): Promise<void> {
  let running: RunningService | undefined;
  let ending = false;
  const end = async (reason: string, code: number, graceMs: number): Promise<void> => {
    if (ending) process.exit(EXIT_CUT_SHORT);
    ending = true;
    setTimeout(() => hardEnd(definition.prefix, reason), graceMs).unref();
    running?.resources.logger.info({ reason }, 'stopping');
    const clean = (await running?.stop()) ?? true;
    process.exitCode = clean ? code : EXIT_CUT_SHORT;
    setImmediate(() => process.exit());
  };
  const crash = (cause: unknown): void => {
    report(definition.prefix, cause);
    running?.resources.logger.fatal({ err: cause }, 'unexpected failure');
    void end('unexpected failure', EXIT_CUT_SHORT, CRASH_GRACE_MS);
  };
  const grace = (): number => running?.settings.SHUTDOWN_GRACE_MS ?? DEFAULT_GRACE_MS;
  process.on('SIGTERM', () => void end('SIGTERM', 0, grace()));
  process.on('SIGINT', () => void end('SIGINT', 0, grace()));
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  try {
    running = await createServiceApp(definition);
  } catch (cause) {
    report(definition.prefix, cause);
    process.exit(EXIT_CUT_SHORT);
  }
}

function hardEnd(prefix: string, reason: string): void {
  process.stderr.write(`${prefix}: did not stop in time after ${reason}\n`);
  process.exit(EXIT_CUT_SHORT);
}

/** One line for the operator. An AppError's message is made for people and holds no secret; anything else shows its type only. */
function report(prefix: string, cause: unknown): void {
  const error = toAppError(cause);
  const sentence = cause instanceof AppError ? error.message : describeDefect(cause);
  process.stderr.write(`${prefix}: ${error.code}: ${sentence.replaceAll('\n', ' ')}\n`);
}

function describeDefect(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : 'an unknown failure';
}
