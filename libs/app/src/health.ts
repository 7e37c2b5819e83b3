/** A reason why the service is not ready, or undefined. Cheap and synchronous: it is asked on every probe. */
export type HealthCheck = () => string | undefined;

/** What /readyz answers from. */
export class Health {
  readonly #checks = new Map<string, HealthCheck>();
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';
  #step = 'settings';

  /** Name of the boot step under way; shown while starting. */
  starting(step: string): void {
    this.#step = step;
  }

  /** No step of the start is left. A service that is stopping already does not become ready any more. */
  ready(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  stopping(): void {
    this.#phase = 'stopping';
  }

  check(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  /** Every reason against being ready, by dependency. Empty means ready. */
  problems(): Record<string, string> {
    const problems: Record<string, string> = {};
    if (this.#phase === 'starting') problems['service'] = `starting: ${this.#step}`;
    if (this.#phase === 'stopping') problems['service'] = 'stopping';
    for (const [name, check] of this.#checks) {
      const problem = check();
      if (problem !== undefined) problems[name] = problem;
    }
    return problems;
  }
}
