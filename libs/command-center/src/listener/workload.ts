import type { Clock } from '@warren/kernel';
import type { ListenerMetrics } from './listener_metrics.ts';
import type { ListenerTask } from './listener_task.ts';
import { ZombieWatch } from './zombie_watch.ts';

export interface WorkloadDeps {
  readonly maxConcurrentTasks: number;
  /** A slot is free for this message. */
  readonly begin: (task: ListenerTask) => void;
  /** Its time is over and it has had no ending. */
  readonly onOverdue: (task: ListenerTask, nowMs: number) => void;
  /** The broker has taken it back while it is worked on. Called again and again until it has an ending. */
  readonly onLost: (task: ListenerTask) => void;
  /** Its handler ignores the signal: the slot goes to the next message. */
  readonly onZombie: (task: ListenerTask, zombies: number) => void;
  readonly onStuck: () => void;
  readonly metrics: ListenerMetrics;
}

/** After a timeout a handler has this long to notice its signal; then its slot is given to the next message. */
const ABORT_GRACE_MS = 800;

/** The messages of one listener: those under work, of which there are never more than slots, and those that wait. */
export class Workload {
  readonly #deps: WorkloadDeps;
  /** Under work, including those that timed out and whose handlers have not finished. */
  readonly #tasks = new Set<ListenerTask>();
  /** Delivered and waiting for a slot; bounded by the source's limit. */
  readonly #waiting: ListenerTask[] = [];
  readonly #zombies: ZombieWatch;
  #slotsTaken = 0;
  /** Under work and without an ending. */
  #open = 0;
  #onIdle: (() => void) | undefined;

  constructor(deps: WorkloadDeps) {
    this.#deps = deps;
    this.#zombies = new ZombieWatch(deps.maxConcurrentTasks, deps.onStuck);
  }

  get slotsTaken(): number {
    return this.#slotsTaken;
  }

  get zombies(): ZombieWatch {
    return this.#zombies;
  }

  /** Messages under work that have had no ending. */
  get unended(): ListenerTask[] {
    return [...this.#tasks].filter((task) => !task.ended);
  }

  add(task: ListenerTask): void {
    if (this.#slotsTaken >= this.#deps.maxConcurrentTasks) this.#waiting.push(task);
    else this.#begin(task);
  }

  /** The messages that wait for a slot; they are the caller's from now on. */
  takeWaiting(): ListenerTask[] {
    return this.#waiting.splice(0);
  }

  /** The message has had its ending. */
  ended(): void {
    this.#open--;
    if (this.#open === 0) this.#onIdle?.();
  }

  /** Its handler is done. */
  finished(task: ListenerTask): void {
    this.#tasks.delete(task);
    if (!task.zombie) return this.#freeSlot();
    this.#zombies.ended();
    this.#deps.metrics.zombies(this.#zombies.count);
  }

  /** Called now and then: finds messages whose time is over or whose channel is gone. */
  sweep(nowMs: number): void {
    for (const task of this.#tasks) {
      const { context } = task;
      if (context === undefined) continue;
      if (!task.ended && task.delivery.lost) this.#deps.onLost(task);
      if (nowMs >= context.deadline) this.#overdue(task, context.deadline, nowMs);
    }
    this.#zombies.check(nowMs);
  }

  /** Resolves when every message under work has had its ending, after `graceMs` at the latest. */
  async whenIdle(graceMs: number, clock: Clock): Promise<void> {
    if (this.#open === 0 || graceMs <= 0) return;
    const done = new AbortController();
    this.#onIdle = () => done.abort();
    await clock.sleep(graceMs, done.signal);
    this.#onIdle = undefined;
  }

  #begin(task: ListenerTask): void {
    this.#tasks.add(task);
    this.#open++;
    this.#slotsTaken++;
    this.#deps.begin(task);
  }

  #overdue(task: ListenerTask, deadline: number, nowMs: number): void {
    if (!task.ended) this.#deps.onOverdue(task, nowMs);
    else if (!task.zombie && nowMs > deadline + ABORT_GRACE_MS && this.#zombies.bearable) this.#giveAway(task);
  }

  #giveAway(task: ListenerTask): void {
    task.zombie = true;
    this.#zombies.rose();
    this.#deps.metrics.zombies(this.#zombies.count);
    this.#deps.onZombie(task, this.#zombies.count);
    this.#freeSlot();
  }

  #freeSlot(): void {
    this.#slotsTaken--;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
  }
}
