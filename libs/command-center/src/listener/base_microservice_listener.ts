import { type AppError, type Clock, type Logger, runInContext, toAppError } from '@warren/kernel';
import type { Delivery, QueueConsumer } from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import type { CommandContext } from '../command_context.ts';
import type { Endings } from './endings.ts';
import { ListenerMetrics } from './listener_metrics.ts';
import { ListenerTask } from './listener_task.ts';
import type { MessageReader } from './message_reader.ts';
import { type Outcome, outcomeOfError, shuttingDown, timedOut } from './outcome.ts';
import type { ValidatedCommand } from './validated_command.ts';
import { ZombieWatch } from './zombie_watch.ts';

export type ListenerState = 'idle' | 'consuming' | 'paused' | 'draining' | 'stopped';

/** What a listener needs of its consumer. */
type ListenerConsumer = Pick<QueueConsumer, 'consuming' | 'start' | 'cancel' | 'close'>;

export interface ListenerDeps {
  /** `auth.rpc`, `coordinator.events.leases`: the queue, which names the listener in logs and metrics. */
  readonly queue: string;
  readonly maxConcurrentTasks: number;
  readonly commandProcessingTimeoutMs: number;
  /** Makes the consumer; deliveries go to the given function, which never throws. */
  readonly consume: (onDelivery: (delivery: Delivery) => void) => ListenerConsumer;
  readonly reader: MessageReader;
  readonly endings: Endings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** So many handlers have ignored their signal for so long that only a new process helps. Called once. */
  readonly onStuck?: (queue: string) => void;
}

const SWEEP_MS = 50;
/** After a timeout a handler has this long to notice its signal; then its slot is given to the next message. */
const ABORT_GRACE_MS = 800;
/** Copies for a delay tier or the dead letters that are under way when the service ends get this long. */
const SETTLE_GRACE_MS = 1_500;

/**
 * Works off one queue. Whatever happens to a message (bad payload, unknown command, error, timeout, shutdown, a handler
 * that never ends), it has exactly one ending, given by `#end`. A subclass says only how a validated command is handled.
 */
export abstract class BaseMicroserviceListener {
  readonly #deps: ListenerDeps;
  readonly #consumer: ListenerConsumer;
  /** Messages under work, including those that timed out and whose handlers have not finished. */
  readonly #tasks = new Set<ListenerTask>();
  /** Delivered and waiting for a slot; bounded by the consumer's prefetch. */
  readonly #waiting: ListenerTask[] = [];
  readonly #settling = new Set<Promise<void>>();
  readonly #metrics: ListenerMetrics;
  readonly #zombies: ZombieWatch;
  #slotsTaken = 0;
  /** Messages under work that have had no ending yet. */
  #open = 0;
  #state: ListenerState = 'idle';
  #sweeper: NodeJS.Timeout | undefined;
  #flow: Promise<void> = Promise.resolve();
  #draining: Promise<number> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
    this.#consumer = deps.consume((delivery) => this.#receive(delivery));
    this.#metrics = new ListenerMetrics(deps.metrics, deps.queue, () => this.#slotsTaken);
    this.#zombies = new ZombieWatch(deps.maxConcurrentTasks, () => deps.onStuck?.(deps.queue));
  }

  get state(): ListenerState {
    return this.#state;
  }

  get queue(): string {
    return this.#deps.queue;
  }

  /** Why it does not work as it should, or undefined. Being paused or stopped is no problem: somebody wanted it. */
  get problem(): string | undefined {
    if (this.#state !== 'consuming') return undefined;
    if (!this.#consumer.consuming) return 'the consumer is lost and is being set up again';
    return this.#zombies.many ? `${this.#zombies.count} handlers ignore their signal` : undefined;
  }

  /** Handles one command that passed every check. Its result is the reply; what it throws decides the ending. */
  protected abstract processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown>;

  /**
   * Resolves when the broker delivers to us. After a failure it goes on trying until `stop`.
   * @throws AppError of QueueConsumer.start
   */
  async start(): Promise<void> {
    if (this.#state !== 'idle') throw new Error(`the listener of ${this.queue} is ${this.#state} and cannot start`);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#state = 'consuming';
    await this.#consumer.start();
  }

  /** Takes no new messages; running ones go on. Calls of `pause` and `resume` take effect in their order. */
  pause(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state !== 'consuming') return;
      this.#state = 'paused';
      await this.#consumer.cancel();
      this.#handBackWaiting();
    });
  }

  resume(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state !== 'paused') return;
      this.#state = 'consuming';
      try {
        await this.#consumer.start();
      } catch (cause) {
        // drained meanwhile: the consumer was not meant to come back
        if (this.#state === 'consuming') throw cause;
      }
    });
  }

  /**
   * Takes no new messages, hands back the ones that wait and gives the running ones `graceMs`; what still runs then is
   * aborted and handed back. Resolves to the number of commands that were cut short, after `graceMs` and about two
   * seconds at the latest. A second call waits for the end of the first.
   */
  drain(graceMs: number): Promise<number> {
    if (this.#state === 'stopped') return Promise.resolve(0);
    this.#draining ??= this.#drain(graceMs);
    return this.#draining;
  }

  /** As `drain(0)` unless drained already, then closes the channel. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    await this.drain(0);
    this.#state = 'stopped';
    clearInterval(this.#sweeper);
    await this.#consumer.close();
  }

  #inOrder(step: () => Promise<void>): Promise<void> {
    const done = this.#flow.then(step);
    this.#flow = done.catch(() => undefined);
    return done;
  }

  async #drain(graceMs: number): Promise<number> {
    this.#state = 'draining';
    const { clock } = this.#deps;
    const until = clock.monotonicMs() + graceMs;
    await this.#consumer.cancel();
    this.#handBackWaiting();
    await this.#whenIdle(until - clock.monotonicMs());
    const running = [...this.#tasks].filter((task) => !task.ended);
    for (const task of running) this.#abort(task, shuttingDown(), { kind: 'handed_back' });
    if (this.#settling.size > 0) {
      await Promise.race([Promise.allSettled(this.#settling), clock.sleep(SETTLE_GRACE_MS)]);
    }
    return running.length;
  }

  #receive(delivery: Delivery): void {
    if (this.#state !== 'consuming') return delivery.nack();
    const task = new ListenerTask(delivery, this.#deps.clock.monotonicMs());
    if (this.#slotsTaken >= this.#deps.maxConcurrentTasks) this.#waiting.push(task);
    else this.#begin(task);
  }

  #begin(task: ListenerTask): void {
    const { reader, clock } = this.#deps;
    this.#tasks.add(task);
    this.#open++;
    this.#slotsTaken++;
    let command: ValidatedCommand;
    let context: CommandContext;
    try {
      context = reader.readContext(task.delivery, task.receivedAt);
      task.context = context;
      if (context.deadline <= clock.monotonicMs()) return this.#finish(task, { kind: 'expired' });
      command = reader.readCommand(task.delivery, context);
    } catch (cause) {
      return this.#finish(task, { kind: 'broken', error: toAppError(cause) });
    }
    this.#work(task, command, context);
  }

  #work(task: ListenerTask, command: ValidatedCommand, context: CommandContext): void {
    runInContext({ trace: context.trace, command: context.name }, () => {
      try {
        this.processSingleCommand(command, context).then(
          (value) => this.#finish(task, { kind: 'done', value }),
          (cause: unknown) => this.#finish(task, outcomeOfError(cause)),
        );
      } catch (cause) {
        // a subclass that throws before its first await is treated like one that rejects
        this.#finish(task, outcomeOfError(cause));
      }
    });
  }

  /** The work is over: gives the message its ending unless it had one already, and frees the slot. */
  #finish(task: ListenerTask, outcome: Outcome): void {
    this.#tasks.delete(task);
    this.#end(task, outcome);
    if (task.zombie) {
      this.#zombies.ended();
      this.#metrics.zombies(this.#zombies.count);
    } else {
      this.#freeSlot();
    }
  }

  /** The one place where a message gets its ending. Never throws. */
  #end(task: ListenerTask, outcome: Outcome): void {
    if (task.ended) return;
    task.ended = true;
    const { reader, clock, endings } = this.#deps;
    this.#metrics.ended(
      reader.knows(task.name) ? task.name : 'unknown',
      outcome.kind,
      clock.monotonicMs() - task.receivedAt,
    );
    try {
      const ending = endings.end(task, outcome);
      if (ending !== undefined) this.#follow(task, ending);
    } catch (cause) {
      this.#endingFailed(task, cause);
    }
    this.#open--;
    if (this.#open === 0) this.#onIdle?.();
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

  #freeSlot(): void {
    this.#slotsTaken--;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
  }

  #sweep(): void {
    const now = this.#deps.clock.monotonicMs();
    for (const task of this.#tasks) {
      const { context } = task;
      if (context === undefined || now < context.deadline) continue;
      if (!task.ended) {
        const error = timedOut(Math.round(now - task.receivedAt));
        this.#abort(task, error, { kind: 'retry', error });
      } else if (!task.zombie && now > context.deadline + ABORT_GRACE_MS && this.#zombies.bearable) {
        this.#giveAway(task);
      }
    }
    this.#zombies.check(now);
  }

  #giveAway(task: ListenerTask): void {
    task.zombie = true;
    this.#zombies.rose();
    this.#metrics.zombies(this.#zombies.count);
    this.#deps.logger.error(
      { command: task.name, zombies: this.#zombies.count },
      'a handler ignores its signal; its slot is given away',
    );
    this.#freeSlot();
  }

  #abort(task: ListenerTask, reason: AppError, outcome: Outcome): void {
    task.context?.abort(reason);
    this.#end(task, outcome);
  }

  #handBackWaiting(): void {
    for (const { delivery } of this.#waiting.splice(0)) delivery.nack();
  }

  async #whenIdle(graceMs: number): Promise<void> {
    if (this.#open === 0 || graceMs <= 0) return;
    const done = new AbortController();
    this.#onIdle = () => done.abort();
    await this.#deps.clock.sleep(graceMs, done.signal);
    this.#onIdle = undefined;
  }
}
