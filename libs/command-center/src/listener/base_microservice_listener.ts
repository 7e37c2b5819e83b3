import { type AppError, type Clock, type Logger, runInContext, toAppError } from '@warren/kernel';
import type { Delivery } from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import type { CommandContext } from '../command_context.ts';
import type { Endings } from './endings.ts';
import { Intake, type ListenerState } from './intake.ts';
import { ListenerMetrics } from './listener_metrics.ts';
import { ListenerTask } from './listener_task.ts';
import type { MessageReader } from './message_reader.ts';
import { endSpan, leaseLost, type Outcome, outcomeOfError, shuttingDown, timedOut } from './outcome.ts';
import type { ValidatedCommand } from './validated_command.ts';
import type { WorkSource } from './work_source.ts';
import { Workload } from './workload.ts';

export interface ListenerDeps {
  /** `auth.rpc`, `coordinator.events.leases`: the queue, which names the listener in logs and metrics. */
  readonly queue: string;
  readonly maxConcurrentTasks: number;
  readonly commandProcessingTimeoutMs: number;
  /** Makes the source of messages; deliveries go to the given function, which never throws. */
  readonly consume: (onDelivery: (delivery: Delivery) => void) => WorkSource;
  readonly reader: MessageReader;
  readonly endings: Endings;
  /** Stops taking messages while most of the work fails for reasons that pass. For queues where nobody waits. */
  readonly killSwitch: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** So many handlers have ignored their signal for so long that only a new process helps. Called once. */
  readonly onStuck?: (queue: string) => void;
}

const SWEEP_MS = 50;
/** Copies for a delay tier or the dead letters that are under way when the service ends get this long. */
const SETTLE_GRACE_MS = 1_500;

/**
 * Works off one queue. Whatever happens to a message (bad payload, unknown command, error, timeout, shutdown, a handler
 * that never ends), it has exactly one ending, given by `#end`. A subclass says only how a validated command is handled.
 */
export abstract class BaseMicroserviceListener {
  readonly #deps: ListenerDeps;
  readonly #intake: Intake;
  readonly #workload: Workload;
  readonly #settling = new Set<Promise<void>>();
  readonly #metrics: ListenerMetrics;
  #sweeper: NodeJS.Timeout | undefined;
  #draining: Promise<number> | undefined;

  constructor(deps: ListenerDeps) {
    const { queue, maxConcurrentTasks, killSwitch, logger } = deps;
    this.#deps = deps;
    const metrics = new ListenerMetrics(deps.metrics, queue, () => this.#workload.slotsTaken);
    this.#metrics = metrics;
    this.#workload = new Workload({
      maxConcurrentTasks,
      begin: (task) => this.#begin(task),
      onOverdue: (task, now) => this.#timeOut(task, now),
      onLost: (task) => this.#lost(task),
      onZombie: (task, zombies) =>
        logger.error({ command: task.name, zombies }, 'a handler ignores its signal; its slot is given away'),
      onStuck: () => deps.onStuck?.(queue),
      metrics,
    });
    const source = deps.consume((delivery) => this.#receive(delivery));
    this.#intake = new Intake({ source, killSwitch, handBack: () => this.#handBackWaiting(), logger, metrics });
  }

  get state(): ListenerState {
    return this.#intake.state;
  }

  get queue(): string {
    return this.#deps.queue;
  }

  /** Why it does not work as it should, or undefined. Being paused or stopped is no problem: somebody wanted it. */
  get problem(): string | undefined {
    if (this.#intake.problem !== undefined) return this.#intake.problem;
    const { zombies } = this.#workload;
    return this.state === 'consuming' && zombies.many ? `${zombies.count} handlers ignore their signal` : undefined;
  }

  /** Handles one command that passed every check. Its result is the reply; what it throws decides the ending. */
  protected abstract processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown>;

  /**
   * Resolves when the broker delivers to us. After a failure it goes on trying until `stop`.
   * @throws AppError of QueueConsumer.start
   */
  async start(): Promise<void> {
    if (this.state !== 'idle') throw new Error(`the listener of ${this.queue} is ${this.state} and cannot start`);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    await this.#intake.start();
  }

  /** Takes no new messages; running ones go on. Calls of `pause` and `resume` take effect in their order. */
  pause(): Promise<void> {
    return this.#intake.pause();
  }

  resume(): Promise<void> {
    return this.#intake.resume();
  }

  /**
   * Takes no new messages, hands back the ones that wait and gives the running ones `graceMs`; what still runs then is
   * aborted and handed back. Resolves to the number of commands that were cut short, after `graceMs` and about two
   * seconds at the latest. A second call waits for the end of the first.
   */
  drain(graceMs: number): Promise<number> {
    if (this.state === 'stopped') return Promise.resolve(0);
    this.#draining ??= this.#drain(graceMs);
    return this.#draining;
  }

  /** As `drain(0)` unless drained already, then closes the channel. */
  async stop(): Promise<void> {
    if (this.state === 'stopped') return;
    await this.drain(0);
    clearInterval(this.#sweeper);
    await this.#intake.close();
  }

  async #drain(graceMs: number): Promise<number> {
    const { clock } = this.#deps;
    const until = clock.monotonicMs() + graceMs;
    await this.#intake.drain();
    await this.#workload.whenIdle(until - clock.monotonicMs(), clock);
    const running = this.#workload.unended;
    for (const task of running) this.#abort(task, shuttingDown(), { kind: 'handed_back' });
    if (this.#settling.size > 0) {
      await Promise.race([Promise.allSettled(this.#settling), clock.sleep(SETTLE_GRACE_MS)]);
    }
    return running.length;
  }

  #receive(delivery: Delivery): void {
    if (this.state !== 'consuming') return delivery.nack();
    this.#workload.add(new ListenerTask(delivery, this.#deps.clock.monotonicMs()));
  }

  #begin(task: ListenerTask): void {
    const { reader, clock } = this.#deps;
    if (task.delivery.lost) return this.#finish(task, { kind: 'lost' });
    let command: ValidatedCommand;
    let context: CommandContext;
    task.beganAt = clock.monotonicMs();
    try {
      context = reader.readContext(task.delivery, task.receivedAt, task.beganAt);
      task.context = context;
      if (context.deadline <= task.beganAt) return this.#finish(task, { kind: 'expired' });
      command = reader.readCommand(task.delivery, context);
      task.binding = command.binding;
    } catch (cause) {
      return this.#finish(task, { kind: 'broken', error: toAppError(cause) });
    }
    void runInContext({ trace: context.trace, command: context.name }, () => this.#work(task, command, context));
  }

  /** Never rejects. */
  async #work(task: ListenerTask, command: ValidatedCommand, context: CommandContext): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = { kind: 'done', value: await this.processSingleCommand(command, context) };
    } catch (cause) {
      outcome = outcomeOfError(cause);
    }
    this.#finish(task, outcome);
  }

  /** The work is over: gives the message its ending unless it had one already, and frees the slot. */
  #finish(task: ListenerTask, outcome: Outcome): void {
    this.#end(task, outcome);
    this.#workload.finished(task);
  }

  /** The one place where a message gets its ending. Never throws. */
  #end(task: ListenerTask, outcome: Outcome): void {
    if (task.ended) return;
    task.ended = true;
    const { reader, clock, endings } = this.#deps;
    const now = clock.monotonicMs();
    this.#metrics.ended(reader.knows(task.name) ? task.name : 'unknown', outcome.kind, task, now);
    if (outcome.kind === 'retry') this.#intake.record(true, now);
    else if (outcome.kind === 'done' || outcome.kind === 'refused') this.#intake.record(false, now);
    try {
      const ending = endings.end(task, outcome);
      if (ending !== undefined) this.#follow(task, ending);
    } catch (cause) {
      this.#endingFailed(task, cause);
    }
    const span = task.context?.span;
    if (span !== undefined) endSpan(span, outcome);
    this.#workload.ended();
  }

  #follow(task: ListenerTask, ending: Promise<void>): void {
    const settled = ending
      .catch((cause: unknown) => this.#endingFailed(task, cause))
      .finally(() => this.#settling.delete(settled));
    this.#settling.add(settled);
  }

  /** A message without a settlement would block its place in the prefetch for ever. */
  #endingFailed(task: ListenerTask, cause: unknown): void {
    this.#deps.logger.error(
      { err: toAppError(cause), command: task.name },
      'an ending failed; the broker delivers the message again',
    );
    if (!task.delivery.settled) task.delivery.requeue();
  }

  #sweep(): void {
    const now = this.#deps.clock.monotonicMs();
    this.#workload.sweep(now);
    this.#intake.check(now);
  }

  #timeOut(task: ListenerTask, now: number): void {
    const error = timedOut(Math.round(now - task.receivedAt));
    this.#abort(task, error, { kind: 'retry', error });
  }

  #lost(task: ListenerTask): void {
    if (task.binding?.abortOnLeaseLoss === true) this.#abort(task, leaseLost(), { kind: 'lost' });
  }

  #abort(task: ListenerTask, reason: AppError, outcome: Outcome): void {
    task.context?.abort(reason);
    this.#end(task, outcome);
  }

  #handBackWaiting(): void {
    for (const { delivery } of this.#workload.takeWaiting()) delivery.nack();
  }
}
