import type { Counter, CounterSeries, Gauge, Histogram, HistogramSeries, Metrics } from '@warren/telemetry';
import type { KillSwitchState } from './kill_switch.ts';
import type { ListenerTask } from './listener_task.ts';

const SWITCH_LEVEL = { closed: 0, half_open: 1, open: 2 } as const;

/** The series of one command, found once. */
interface CommandSeries {
  readonly durations: HistogramSeries;
  readonly waits: HistogramSeries;
  readonly endings: Map<string, CounterSeries>;
}

/** The series of one queue. Command names come from a fixed list: what a sender invents must not become a series. */
export class ListenerMetrics {
  readonly #queue: string;
  readonly #endings: Counter;
  readonly #durations: Histogram;
  readonly #waits: Histogram;
  readonly #repeats: Counter;
  readonly #zombies: Gauge;
  readonly #killSwitch: Gauge;
  readonly #trips: Counter;
  readonly #commands = new Map<string, CommandSeries>();

  /** `running` is asked whenever the metrics are read. */
  constructor(metrics: Metrics, queue: string, running: () => number) {
    this.#queue = queue;
    this.#endings = metrics.counter('warren_commands_total', 'Messages by ending.', ['queue', 'command', 'outcome']);
    this.#durations = metrics.histogram('warren_command_seconds', 'Time from delivery to ending.', [
      'queue',
      'command',
    ]);
    this.#waits = metrics.histogram('warren_command_wait_seconds', 'Time from delivery to a free slot.', [
      'queue',
      'command',
    ]);
    this.#repeats = metrics.counter('warren_command_repeats_total', 'Messages worked on again, by attempt.', [
      'queue',
      'command',
      'attempt',
    ]);
    this.#zombies = metrics.gauge('warren_command_zombies', 'Handlers that ignore their signal.', ['queue']);
    this.#killSwitch = metrics.gauge(
      'warren_listener_kill_switch',
      '0: messages flow. 1: one at a time. 2: none are taken, because most of the work fails.',
      ['queue'],
    );
    this.#trips = metrics.counter('warren_listener_kill_switch_opened_total', 'Times that it opened.', ['queue']);
    const gauge = metrics.gauge('warren_commands_running', 'Messages under work.', ['queue']);
    metrics.beforeRender(() => gauge.set({ queue }, running()));
  }

  /** `now` in monotonic milliseconds. */
  ended(command: string, outcome: string, task: ListenerTask, now: number): void {
    const series = this.#commands.get(command) ?? this.#add(command);
    const ending = series.endings.get(outcome) ?? this.#addEnding(command, series, outcome);
    ending.inc();
    series.durations.observe((now - task.receivedAt) / 1_000);
    series.waits.observe((task.beganAt - task.receivedAt) / 1_000);
    const attempt = task.context?.attempt ?? 1;
    if (attempt > 1) this.#repeats.inc({ queue: this.#queue, command, attempt: String(attempt) });
  }

  zombies(count: number): void {
    this.#zombies.set({ queue: this.#queue }, count);
  }

  killSwitch(state: KillSwitchState): void {
    this.#killSwitch.set({ queue: this.#queue }, SWITCH_LEVEL[state]);
    if (state === 'open') this.#trips.inc({ queue: this.#queue });
  }

  #add(command: string): CommandSeries {
    const durations = this.#durations.series({ queue: this.#queue, command });
    const waits = this.#waits.series({ queue: this.#queue, command });
    const series: CommandSeries = { durations, waits, endings: new Map() };
    this.#commands.set(command, series);
    return series;
  }

  #addEnding(command: string, { endings }: CommandSeries, outcome: string): CounterSeries {
    const ending = this.#endings.series({ queue: this.#queue, command, outcome });
    endings.set(outcome, ending);
    return ending;
  }
}
