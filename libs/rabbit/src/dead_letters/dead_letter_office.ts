import { deadQueue, queuesOf, SERVICES, UNROUTABLE_QUEUE } from '../topology.ts';
import { type DropOptions, type DropReport, dropLetters } from './drop_letters.ts';
import { LetterDesk } from './letter_desk.ts';
import { type LookReport, lookAtLetters } from './look_at_letters.ts';
import { replayLetters } from './replay_letters.ts';
import type { ReplayOptions, ReplayReport } from './replay_report.ts';

/** Every queue in which letters wait for an operator. */
export function letterQueues(): readonly string[] {
  const dead = SERVICES.filter((service) => queuesOf(service).some(({ name }) => name === deadQueue(service.prefix)));
  return [...dead.map(({ prefix }) => deadQueue(prefix)), UNROUTABLE_QUEUE.name];
}

/**
 * What an operator does with dead letters, as the broker user `ops`. One connection, made for a command that ends: it does not
 * reconnect. See docs/operations.md.
 */
export class DeadLetterOffice {
  readonly #desk: LetterDesk;

  private constructor(desk: LetterDesk) {
    this.#desk = desk;
  }

  /** @throws AppError BROKER_ACCESS_REFUSED, SERVICE_UNAVAILABLE */
  static async open(url: string): Promise<DeadLetterOffice> {
    return new DeadLetterOffice(await LetterDesk.open(url));
  }

  /** Letters in a queue; undefined when the broker has no such queue. */
  async count(queue: string): Promise<number | undefined> {
    return (await this.#desk.ask(queue))?.ready;
  }

  look(queue: string, query: Parameters<typeof lookAtLetters>[2]): Promise<LookReport> {
    return lookAtLetters(this.#desk, queue, query);
  }

  replay(queue: string, options: ReplayOptions): Promise<ReplayReport> {
    return replayLetters(this.#desk, queue, options);
  }

  drop(queue: string, options: DropOptions): Promise<DropReport> {
    return dropLetters(this.#desk, queue, options);
  }

  close(): Promise<void> {
    return this.#desk.close();
  }
}
