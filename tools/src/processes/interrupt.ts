import { ToolError } from '../tool_error.ts';

const EXIT_INTERRUPTED = 130;

/** Ctrl-C, SIGTERM or a closed terminal, as something to wait for. Further signals change nothing: stopping is bounded by itself. */
export class Interrupt {
  readonly #pressed = Promise.withResolvers<void>();
  #isPressed = false;

  constructor() {
    const press = (): void => {
      this.#isPressed = true;
      this.#pressed.resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, press);
  }

  /** Resolves at the first signal. */
  get pressed(): Promise<void> {
    return this.#pressed.promise;
  }

  /** Between two steps that must not be torn apart. @throws ToolError when a signal came */
  check(): void {
    if (this.#isPressed) throw interrupted();
  }

  /** The result of `work`, or a ToolError at the first signal; the work itself goes on. */
  async race<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return Promise.race([
      work,
      this.#pressed.promise.then(() => {
        throw interrupted();
      }),
    ]);
  }
}

const interrupted = (): ToolError => new ToolError('Interrupted.', { exitCode: EXIT_INTERRUPTED });
