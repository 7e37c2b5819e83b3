import { AppError, toAppError } from '@warren/kernel';
import { createServiceApp, type RunningService } from './create_service_app.ts';
import { flushLogs } from './flush_logs.ts';
import { START_CANCELLED } from './lifecycle.ts';
import type { ServiceDefinition } from './service_definition.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;
/** EX_SOFTWARE: a supervisor restarts the process and nothing else helps. */
const EXIT_STUCK = 70;
const CRASH_GRACE_MS = 5_000;
/** How long undoing a start may take before the process ends anyway. */
const CANCEL_GRACE_MS = 10_000;

/**
 * The whole life of a service process: start, wait for SIGTERM or SIGINT, stop within the grace, exit. Exit code 0 only
 * when everything ended in order. A start that fails ends in one line on standard error and exit code 1; a second signal
 * ends the process at once.
 */
export async function runService(definition: ServiceDefinition): Promise<void> {
  await new ServiceProcess(definition).run();
}

class ServiceProcess {
  readonly #definition: ServiceDefinition;
  readonly #starting = new AbortController();
  #running: RunningService | undefined;
  #ending = false;
  #exitCode = EXIT_OK;

  constructor(definition: ServiceDefinition) {
    this.#definition = definition;
  }

  async run(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#onSignal(signal));
    process.on('uncaughtException', (cause) => this.#crashed(cause));
    process.on('unhandledRejection', (cause) => this.#crashed(cause));
    try {
      const running = await createServiceApp(this.#definition, undefined, {
        signal: this.#starting.signal,
        onFatal: (error) => this.#failed(error, EXIT_STUCK),
      });
      this.#running = running;
      // asked to end between the last step and now
      if (this.#ending) await this.#stop(running, CANCEL_GRACE_MS);
    } catch (cause) {
      const cancelled = cause instanceof AppError && cause.code === START_CANCELLED;
      if (!cancelled) this.#report(cause);
      process.exit(cancelled ? this.#exitCode : EXIT_FAILED);
    }
  }

  #onSignal(signal: string): void {
    if (this.#ending) process.exit(EXIT_FAILED);
    this.#end(signal, this.#running?.settings.SHUTDOWN_GRACE_MS ?? CANCEL_GRACE_MS);
  }

  #crashed(cause: unknown): void {
    this.#running?.resources.logger.fatal({ err: cause }, 'unexpected failure');
    this.#failed(cause, EXIT_FAILED);
  }

  /** Also while stopping: what is left to undo is undone, and the exit code tells of the failure. */
  #failed(cause: unknown, exitCode: number): void {
    this.#report(cause);
    this.#exitCode = exitCode;
    if (!this.#ending) this.#end('unexpected failure', CRASH_GRACE_MS);
  }

  #end(reason: string, graceMs: number): void {
    this.#ending = true;
    setTimeout(() => this.#hardEnd(reason), graceMs).unref();
    this.#running?.resources.logger.info({ reason }, 'stopping');
    if (this.#running === undefined) this.#starting.abort();
    else void this.#stop(this.#running, graceMs);
  }

  async #stop(running: RunningService, graceMs: number): Promise<void> {
    const clean = await running.stop(graceMs);
    await flushLogs(running.resources.logger);
    process.exit(clean || this.#exitCode !== EXIT_OK ? this.#exitCode : EXIT_FAILED);
  }

  #hardEnd(reason: string): void {
    process.stderr.write(`${this.#definition.prefix}: did not stop in time after ${reason}\n`);
    process.exit(this.#exitCode === EXIT_OK ? EXIT_FAILED : this.#exitCode);
  }

  /** One line for the operator. */
  #report(cause: unknown): void {
    const { code } = toAppError(cause);
    const sentence = cause instanceof Error ? nameAndMessage(cause) : 'an unknown failure';
    process.stderr.write(`${this.#definition.prefix}: ${code}: ${sentence.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  }
}

/** An AppError's message is made for people; of anything else the type helps too. */
function nameAndMessage(error: Error): string {
  return error instanceof AppError ? error.message : `${error.name}: ${error.message}`;
}
