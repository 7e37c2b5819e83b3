import type { BrokerConfirmChannel } from '../broker_port.ts';
import type { OutgoingMessage } from '../outgoing_message.ts';
import { UNROUTABLE_QUEUE } from '../topology.ts';
import type { LetterDesk } from './letter_desk.ts';

/** `shut`: why nothing gets there, as the end of a sentence; the copy may lie in the queue of the unroutable. */
type Sent = 'taken' | 'full' | { readonly shut: string };

/** A queue that was there so shortly ago is taken to be there. */
const TRUST_MS = 200;

/**
 * The queues that letters go back to. The alternate exchange of `warren.deliver` hides from a publisher that no queue was
 * bound, so a queue is looked for before, and the queue of the unroutable after each copy.
 */
export class ReplayTargets {
  readonly #desk: LetterDesk;
  /** Letters come out of the queue of the unroutable itself: what ends there again is not seen at once. */
  readonly #blind: boolean;
  readonly #shut = new Map<string, string>();
  readonly #seenAt = new Map<string, number>();
  #unroutable: number | undefined;

  constructor(desk: LetterDesk, source: string) {
    this.#desk = desk;
    this.#blind = source === UNROUTABLE_QUEUE.name;
  }

  /** Why nothing can go back to this queue; undefined when something can. */
  async whyShut(queue: string): Promise<string | undefined> {
    const known = this.#shut.get(queue);
    if (known !== undefined) return known;
    const now = performance.now();
    if (now - (this.#seenAt.get(queue) ?? Number.NEGATIVE_INFINITY) < TRUST_MS) return undefined;
    this.#seenAt.set(queue, now);
    if ((await this.#desk.ask(queue)) !== undefined) return undefined;
    return this.#close(queue, 'the broker has no such queue');
  }

  /** @throws AppError SERVICE_TIMEOUT, SERVICE_LINK_LOST: the copy may have been taken */
  async send(channel: BrokerConfirmChannel, copy: OutgoingMessage): Promise<Sent> {
    this.#unroutable ??= await this.countUnroutable();
    const answer = await this.#desk.publish(channel, copy);
    if (answer === 'full') return 'full';
    if (answer === 'confirmed' && !(await this.#wentAstray())) return 'taken';
    return { shut: this.#close(copy.key, 'a message became unroutable meanwhile (see `warren topology plan`)') };
  }

  async countUnroutable(): Promise<number> {
    return (await this.#desk.ask(UNROUTABLE_QUEUE.name))?.ready ?? 0;
  }

  async #wentAstray(): Promise<boolean> {
    if (this.#blind) return false;
    const before = this.#unroutable ?? 0;
    this.#unroutable = await this.countUnroutable();
    return this.#unroutable > before;
  }

  #close(queue: string, because: string): string {
    const why = `cannot go back to ${queue}: ${because}`;
    this.#shut.set(queue, why);
    return why;
  }
}
