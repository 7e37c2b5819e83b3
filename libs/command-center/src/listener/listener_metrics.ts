import type { Counter, Gauge, Histogram, Metrics } from '@warren/telemetry';

/** The series of one queue. Command names come from a fixed list: what a sender invents must not become a series. */
export class ListenerMetrics {
  readonly #queue: string;
  readonly #endings: Counter;
  readonly #durations: Histogram;
  readonly #running: Gauge;
  readonly #zombies: Gauge;

  constructor(metrics: Metrics, queue: string) {
    this.#queue = queue;
    this.#endings = metrics.counter('warren_commands_total', 'Messages by ending.', ['queue', 'command', 'outcome']);
    this.#durations = metrics.histogram('warren_command_seconds', 'Time from delivery to ending.', [
      'queue',
      'command',
    ]);
    this.#running = metrics.gauge('warren_commands_running', 'Messages under work.', ['queue']);
    this.#zombies = metrics.gauge('warren_command_zombies', 'Handlers that ignore their signal.', ['queue']);
  }

  ended(command: string, outcome: string, ms: number): void {
    this.#endings.inc({ queue: this.#queue, command, outcome });
    this.#durations.observe({ queue: this.#queue, command }, ms / 1_000);
  }

  running(slots: number): void {
    this.#running.set({ queue: this.#queue }, slots);
  }

  zombies(count: number): void {
    this.#zombies.set({ queue: this.#queue }, count);
  }
}
