import { type AppError, type Logger } from '@warren/kernel';
import type { RpcReplier } from '@warren/rabbit';
import type { Endings } from './endings.ts';
import type { ListenerTask } from './listener_task.ts';
import { type Outcome, shuttingDown } from './outcome.ts';

export interface RpcEndingsDeps {
  readonly replier: RpcReplier;
  readonly logger: Logger;
}

/** RPC: every error is a reply, then the request is acked. Nothing is parked or delayed: somebody waits, and may retry. */
export class RpcEndings implements Endings {
  readonly #deps: RpcEndingsDeps;

  constructor(deps: RpcEndingsDeps) {
    this.#deps = deps;
  }

  end(task: ListenerTask, outcome: Outcome): void {
    const { delivery } = task;
    switch (outcome.kind) {
      case 'done':
        this.#deps.replier.reply(delivery, { ok: true, value: outcome.value ?? null });
        break;
      case 'refused':
      case 'retry':
        this.#deps.replier.reply(delivery, { ok: false, error: outcome.error });
        break;
      case 'broken':
        this.#broken(task, outcome.error);
        break;
      case 'handed_back':
        if (task.context === undefined) {
          delivery.nack();
          return;
        }
        this.#deps.replier.reply(delivery, { ok: false, error: shuttingDown() });
        break;
      case 'expired':
        break;
      default:
        outcome satisfies never;
    }
    delivery.ack();
  }

  #broken(task: ListenerTask, error: AppError): void {
    if (error.kind === 'internal') this.#deps.logger.error({ err: error, command: task.name }, 'a handler failed');
    this.#deps.replier.reply(task.delivery, { ok: false, error });
  }
}
