import { AppError, type Logger } from '@warren/kernel';
import type { RpcReplier } from '@warren/rabbit';
import type { Endings } from './endings.ts';
import type { ListenerTask } from './listener_task.ts';
import { type Outcome, shuttingDown } from './outcome.ts';

export interface RpcEndingsDeps {
  readonly replier: Pick<RpcReplier, 'reply'>;
  readonly logger: Logger;
}

/** RPC: every error is a reply, then the request is acked. Nothing is parked or delayed: somebody waits, and may retry. */
export class RpcEndings implements Endings {
  readonly #deps: RpcEndingsDeps;

  constructor(deps: RpcEndingsDeps) {
    this.#deps = deps;
  }

  end(task: ListenerTask, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'done':
        this.#done(task, outcome.value);
        break;
      case 'refused':
      case 'retry':
      case 'busy':
      case 'blocked':
      case 'broken':
        this.#fail(task, outcome);
        break;
      case 'handed_back':
        this.#refuse(task, shuttingDown());
        break;
      case 'expired':
      case 'lost':
        break;
      default:
        outcome satisfies never;
    }
    task.delivery.ack();
  }

  #done(task: ListenerTask, value: unknown): void {
    try {
      this.#deps.replier.reply(task.delivery, { ok: true, value: value ?? null });
    } catch (cause) {
      // a reply that is no JSON (a bigint, a cycle) is a defect of the handler, whose caller must not wait for nothing
      const error = new AppError('SERVICE_INTERNAL', 'The service failed to handle the request.', {
        kind: 'internal',
        cause,
      });
      this.#logDefect(task, error);
      this.#refuse(task, error);
    }
  }

  #fail(task: ListenerTask, { kind, error }: { readonly kind: Outcome['kind']; readonly error: AppError }): void {
    if (kind === 'broken' && error.kind === 'internal') this.#logDefect(task, error);
    this.#refuse(task, error);
  }

  #refuse(task: ListenerTask, error: AppError): void {
    this.#deps.replier.reply(task.delivery, { ok: false, error });
  }

  #logDefect(task: ListenerTask, error: AppError): void {
    this.#deps.logger.error({ err: error, command: task.name, messageId: task.context?.messageId }, 'a handler failed');
  }
}
