import type { Expiring } from './deadlines.ts';
import type { OutgoingMessage } from './outgoing_message.ts';
import type { PublishOutcome } from './rabbit_metrics.ts';

/** One publish between call and outcome. */
export class PendingPublish implements Expiring {
  readonly message: OutgoingMessage;
  readonly deadline: number;
  /** Written to the channel: from here on the outcome without a confirm is `unknown`. */
  sent = false;
  #resolve: ((outcome: PublishOutcome) => void) | undefined;
  readonly #onExpiry: (entry: PendingPublish) => void;

  constructor(message: OutgoingMessage, deadline: number, onExpiry: (entry: PendingPublish) => void) {
    this.message = message;
    this.deadline = deadline;
    this.#onExpiry = onExpiry;
  }

  outcome(): Promise<PublishOutcome> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get settled(): boolean {
    return this.#resolve === undefined;
  }

  /** True for the first outcome; a later one changes nothing. */
  settle(outcome: PublishOutcome): boolean {
    const resolve = this.#resolve;
    if (resolve === undefined) return false;
    this.#resolve = undefined;
    resolve(outcome);
    return true;
  }

  expire(): void {
    this.#onExpiry(this);
  }
}
