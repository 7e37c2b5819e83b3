import { type AppError, type Clock, type Logger, runInContext, toAppError } from '@warren/kernel';
import type { Delivery, QueueConsumer } from '@warren/rabbit';
import type { Counter, Gauge, Histogram, Metrics } from '@warren/telemetry';
import type { CommandContext } from '../command_context.ts';
import type { Endings } from './endings.ts';
import { ListenerTask } from './listener_task.ts';
import type { MessageReader } from './message_reader.ts';
import { type Outcome, outcomeOfError, shuttingDown, timedOut } from './outcome.ts';
import type { ValidatedCommand } from './validated_command.ts';

export type ListenerState = 'idle' | 'consuming' | 'paused' | 'draining' | 'stopped';

export interface ListenerDeps {
  /** `auth.rpc`, `coordinator.events.leases`: the queue, which names the listener in logs and metrics. */
  readonly queue: string;
  readonly maxConcurrentTasks: number;
  readonly commandProcessingTimeoutMs: number;
  /** Makes the consumer; deliveries go to the given function, which never throws. */
  readonly consume: (onDelivery: (delivery: Delivery) => void) => QueueConsumer;
  readonly reader: MessageReader;
  readonly endings: Endings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const SWEEP_MS = 50;
/** After a timeout a handler has this long to notice its signal; then its slot is given to the next message. */
const ABORT_GRACE_MS = 1_000;

/**
 * Works off one queue. Whatever happens to a message (bad payload, unknown command, error, timeout, shutdown, a handler
 * that never ends), it has exactly one ending, given by `#end`. A subclass says only how a validated command is handled.
 */
export abstract class BaseMicroserviceListener {
  readonly #deps: ListenerDeps;
  readonly #consumer: QueueConsumer;
  /** Messages under work, including those that timed out and whose handlers have not finished. */
  readonly #tasks = new Set<ListenerTask>();
  /** Delivered and waiting for a slot; bounded by the consumer's prefetch. */
  readonly #waiting: Delivery[] = [];
  readonly #settling = new Set<Promise<void>>();
  readonly #outcomes: Counter;
  readonly #durations: Histogram;
  readonly #running: Gauge;
  #slotsTaken = 0;
  #state: ListenerState = 'idle';
  #sweeper: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
    this.#consumer = deps.consume((delivery) => this.#receive(delivery));
    this.#outcomes = deps.metrics.counter('warren_commands_total', 'Messages by ending.', ['queue', 'command', 'outcome']);
    this.#durations = deps.metrics.histogram('warren_command_seconds', 'Time from delivery to ending.', ['queue', 'command']);
    this.#running = deps.metrics.gauge('warren_commands_running', 'Messages under work.', ['queue']);
  }

  get state(): ListenerState {
    return this.#state;
  }

  get queue(): string {
    return this.#deps.queue;
  }

  /** Consuming, or on purpose not. False while the consumer is lost. */
  get healthy(): boolean {
    return this.#state !== 'consuming' || this.#consumer.consuming;
  }

  /** Handles one command that passed every check. Its result is the reply; what it throws decides the ending. */
  protected abstract processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown>;

  async start(): Promise<void> {
    if (this.#state !== 'idle') throw new Error(`the listener of ${this.queue} is ${this.#state} and cannot start`);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#state = 'consuming';
    await this.#consumer.start();
  }

  /** Takes no new messages; running ones go on. */
  async pause(): Promise<void> {
    if (this.#state !== 'consuming') return;
    this.#state = 'paused';
    await this.#consumer.cancel();
    this.#handBackWaiting();
  }

  async resume(): Promise<void> {
    if (this.#state !== 'paused') return;
    this.#state = 'consuming';
    await this.#consumer.start();
  }

  /**
   * Takes no new messages, hands back the ones that wait and gives the running ones `graceMs`; what still runs then is
   * aborted and handed back. Resolves to the number of commands that were cut short.
   */
  async drain(graceMs: number): Promise<number> {
    if (this.#state === 'stopped') return 0;
    this.#state = 'draining';
    await this.#consumer.cancel();
    this.#handBackWaiting();
    await this.#whenIdle(graceMs);
    const cut = this.#tasks.size;
    for (const task of this.#tasks) this.#abort(task, shuttingDown(), { kind: 'handed_back' });
    await Promise.allSettled(this.#settling);
    return cut;
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    if (this.#state !== 'draining') await this.drain(0);
    this.#state = 'stopped';
    clearInterval(this.#sweeper);
    await this.#consumer.close();
  }

  #receive(delivery: Delivery): void {
    if (this.#state !== 'consuming') delivery.nack();
    else if (this.#slotsTaken >= this.#deps.maxConcurrentTasks) this.#waiting.push(delivery);
    else this.#begin(delivery);
  }

  #begin(delivery: Delivery): void {
    const task = new ListenerTask(delivery, this.#deps.clock.monotonicMs());
    this.#tasks.add(task);
    this.#slotsTaken++;
    this.#running.set({ queue: this.queue }, this.#slotsTaken);
    let command: ValidatedCommand;
    let context: CommandContext;
    try {
      context = this.#deps.reader.readContext(delivery);
      task.context = context;
      if (context.deadline <= task.startedAt) return this.#finish(task, { kind: 'expired' });
      command = this.#deps.reader.readCommand(delivery, context);
    } catch (cause) {
      return this.#finish(task, { kind: 'broken', error: toAppError(cause) });
    }
    this.#work(task, command, context);
  }

  #work(task: ListenerTask, command: ValidatedCommand, context: CommandContext): void {
    runInContext({ trace: context.trace, command: context.name }, () => {
      this.#process(command, context).then(
        (value) => this.#finish(task, { kind: 'done', value }),
        (cause: unknown) => this.#finish(task, outcomeOfError(cause)),
      );
    });
  }

  /** A subclass that throws before its first await is treated like one that rejects. */
  async #process(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.processSingleCommand(command, context);
  }

  /** The work is over: frees the slot, and gives the message its ending unless it had one already. */
  #finish(task: ListenerTask, outcome: Outcome): void {
    task.finished = true;
    this.#tasks.delete(task);
    if (!task.zombie) this.#freeSlot();
    this.#end(task, outcome);
  }

  /** The one place where a message gets its ending. */
  #end(task: ListenerTask, outcome: Outcome): void {
    if (task.ended) return;
    task.ended = true;
    const command = task.name;
    this.#outcomes.inc({ queue: this.queue, command, outcome: outcome.kind });
    this.#durations.observe({ queue: this.queue, command }, (this.#deps.clock.monotonicMs() - task.startedAt) / 1_000);
    const ending = this.#deps.endings.end(task, outcome);
    if (ending === undefined) return;
    const settled = ending.catch((cause: unknown) => this.#deps.logger.error({ err: toAppError(cause) }, 'an ending failed'));
    this.#settling.add(settled);
    void settled.finally(() => this.#settling.delete(settled));
  }

  #freeSlot(): void {
    this.#slotsTaken--;
    this.#running.set({ queue: this.queue }, this.#slotsTaken);
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
    else if (this.#tasks.size === 0) this.#idle?.();
  }

  #sweep(): void {
    const now = this.#deps.clock.monotonicMs();
    for (const task of this.#tasks) {
      const { context } = task;
      if (context === undefined || now < context.deadline) continue;
      if (!task.ended) {
        const error = timedOut(Math.round(now - task.startedAt));
        this.#abort(task, error, { kind: 'retry', error });
      } else if (!task.zombie && now > context.deadline + ABORT_GRACE_MS) {
        task.zombie = true;
        this.#deps.logger.error({ command: task.name }, 'a handler ignores its signal; its slot is given away');
        this.#outcomes.inc({ queue: this.queue, command: task.name, outcome: 'zombie' });
        this.#freeSlot();
      }
    }
  }

  #abort(task: ListenerTask, reason: AppError, outcome: Outcome): void {
    task.context?.abort(reason);
    this.#end(task, outcome);
  }

  #handBackWaiting(): void {
    for (const delivery of this.#waiting.splice(0)) delivery.nack();
  }

  async #whenIdle(graceMs: number): Promise<void> {
    if (this.#tasks.size === 0) return;
    const done = new AbortController();
    this.#idle = () => done.abort();
    await this.#deps.clock.sleep(graceMs, done.signal);
    this.#idle = undefined;
  }
}
