import { type Logger, toAppError } from '@warren/kernel';
import { KillSwitch } from './kill_switch.ts';
import type { ListenerMetrics } from './listener_metrics.ts';
import type { WorkSource } from './work_source.ts';

export type ListenerState = 'idle' | 'consuming' | 'paused' | 'draining' | 'stopped';

export interface IntakeDeps {
  readonly source: WorkSource;
  /** Called when the flow has ended: what was delivered and not begun goes back. */
  readonly handBack: () => void;
  readonly killSwitch: boolean;
  readonly logger: Logger;
  readonly metrics: ListenerMetrics;
}

/** `held`: nothing comes for a while. `none`: nothing comes until somebody wants it. */
type Flow = 'all' | 'one' | 'held' | 'none';

const FLOW_OF_SWITCH = { closed: 'all', half_open: 'one', open: 'held' } as const;

/**
 * Whether messages come: what its owner wants (start, pause, resume, drain) and what the kill switch allows. Steps take
 * effect in their order, one after the other.
 */
export class Intake {
  readonly #deps: IntakeDeps;
  readonly #switch: KillSwitch | undefined;
  #state: ListenerState = 'idle';
  /** What the source was told last. */
  #flow: Flow = 'none';
  #steps: Promise<void> = Promise.resolve();
  /** State of the switch that was acted upon last. */
  #acted: KillSwitch['state'] = 'closed';

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
    this.#switch = deps.killSwitch ? new KillSwitch() : undefined;
  }

  get state(): ListenerState {
    return this.#state;
  }

  /** Why messages do not come although they should. */
  get problem(): string | undefined {
    if (this.#state !== 'consuming') return undefined;
    if (this.#switch?.problem !== undefined) return this.#switch.problem;
    return this.#deps.source.consuming ? undefined : 'the consumer is lost and is being set up again';
  }

  /** @throws what the source's start throws; it goes on trying */
  start(): Promise<void> {
    this.#state = 'consuming';
    return this.#adjust();
  }

  pause(): Promise<void> {
    return this.#turn('consuming', 'paused');
  }

  resume(): Promise<void> {
    return this.#turn('paused', 'consuming');
  }

  /** For ever, and before any step that waits for its turn. */
  async drain(): Promise<void> {
    this.#state = 'draining';
    this.#flow = 'none';
    await this.#deps.source.cancel();
    this.#deps.handBack();
  }

  async close(): Promise<void> {
    this.#state = 'stopped';
    await this.#deps.source.close();
  }

  /** Whether the work on a message failed for a reason that may pass. Told before the message is settled. */
  record(failed: boolean, nowMs: number): void {
    this.#switch?.record(failed, nowMs);
    this.#act();
  }

  /** Called now and then. */
  check(nowMs: number): void {
    this.#switch?.check(nowMs);
    this.#act();
  }

  /** Does what the kill switch says. */
  #act(): void {
    const breaker = this.#switch;
    if (breaker === undefined || breaker.state === this.#acted) return;
    this.#acted = breaker.state;
    this.#tell(breaker);
    this.#adjust().catch((cause: unknown) =>
      this.#deps.logger.warn({ err: toAppError(cause) }, 'the queue cannot be consumed again yet'),
    );
  }

  #tell({ state, problem }: KillSwitch): void {
    const { logger, metrics } = this.#deps;
    metrics.killSwitch(state);
    if (state === 'open') logger.error({ problem }, 'kill switch open: no messages are taken for 30 s');
    else if (state === 'half_open') logger.info('kill switch half open: one message at a time');
    else logger.info('kill switch closed: messages are taken again');
  }

  #turn(from: ListenerState, to: ListenerState): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state !== from) return;
      this.#state = to;
      await this.#step();
    });
  }

  #adjust(): Promise<void> {
    return this.#inOrder(() => this.#step());
  }

  #inOrder(step: () => Promise<void>): Promise<void> {
    const done = this.#steps.then(step);
    this.#steps = done.catch(() => undefined);
    return done;
  }

  /** What is wanted may change while the broker answers. */
  async #step(): Promise<void> {
    for (let wanted = this.#wanted(); wanted !== this.#flow; wanted = this.#wanted()) await this.#change(wanted);
  }

  #wanted(): Flow {
    if (this.#state !== 'consuming') return 'none';
    return FLOW_OF_SWITCH[this.#switch?.state ?? 'closed'];
  }

  async #change(wanted: Flow): Promise<void> {
    const { source, handBack } = this.#deps;
    // a consumer's limit is set when it begins
    const wasFlowing = this.#flow === 'all' || this.#flow === 'one';
    const flow = wasFlowing && wanted !== 'none' ? 'held' : wanted;
    this.#flow = flow;
    if (flow === 'none') await source.cancel();
    else if (flow === 'held') await source.hold();
    else return this.#begin(flow);
    handBack();
  }

  async #begin(flow: 'all' | 'one'): Promise<void> {
    try {
      await this.#deps.source.start(flow === 'one' ? 1 : undefined);
    } catch (cause) {
      // drained meanwhile: the consumer was not meant to come back
      if (this.#state === 'consuming') throw cause;
    }
  }
}
