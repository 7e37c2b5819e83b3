import type { Contract, RequestFrame } from '@warren/contracts';
import { commonError } from '@warren/http';
import { type AppError, type Logger, runInContext, startTrace, toAppError } from '@warren/kernel';
import { startSpan } from '@warren/telemetry';
import type { GatewayCaller } from '../caller/gateway_caller.ts';
import type { Principal } from '../caller/principal.ts';
import { errorFrame, type Frame, replyFrame } from './server_frames.ts';

/** Requests of one socket under way at once. */
const MAX_IN_FLIGHT = 16;
/** Of server errors: everything below is the client's own affair. */
const LOGGED_STATUS = 500;

export interface RequestRunnerDeps {
  readonly caller: GatewayCaller;
  /** What may be asked on this socket, by message type. */
  readonly messages: ReadonlyMap<string, Contract>;
  readonly address: string;
  readonly send: (frame: Frame) => void;
  readonly logger: Logger;
}

/** Runs the requests of one socket; each gets exactly one reply frame. */
export class RequestRunner {
  readonly #deps: RequestRunnerDeps;
  readonly #inFlight = new Map<string, Promise<void>>();
  #draining = false;

  constructor(deps: RequestRunnerDeps) {
    this.#deps = deps;
  }

  /** Refuses further requests; resolves when those under way are answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#inFlight.values());
  }

  start(request: RequestFrame, principal: Principal): void {
    const contract = this.#deps.messages.get(request.type);
    const refusal = this.#refusalOf(request, contract);
    if (refusal !== undefined || contract === undefined) {
      this.#deps.send(errorFrame(request.id, refusal ?? commonError('COMMAND_UNKNOWN'), startTrace().traceId));
      return;
    }
    const span = startSpan({ role: 'server', name: `socket ${request.type}` });
    const trace = span?.trace ?? startTrace();
    const run = runInContext({ trace, command: contract.name }, () =>
      this.#run(contract, request, principal, trace.traceId),
    );
    this.#inFlight.set(request.id, run);
    void run.finally(() => {
      span?.end();
      this.#inFlight.delete(request.id);
    });
  }

  #refusalOf(request: RequestFrame, contract: Contract | undefined): AppError | undefined {
    if (contract === undefined) return commonError('COMMAND_UNKNOWN');
    if (this.#inFlight.has(request.id))
      return commonError('REQUEST_INVALID', { message: 'A request with this id is under way.' });
    if (this.#inFlight.size >= MAX_IN_FLIGHT)
      return commonError('SERVICE_OVERLOADED', { message: 'Too many requests under way.' });
    return this.#draining ? commonError('SERVICE_UNAVAILABLE') : undefined;
  }

  async #run(contract: Contract, request: RequestFrame, principal: Principal, traceId: string): Promise<void> {
    const { caller, address, send, logger } = this.#deps;
    const { id, key, deadlineMs, payload } = request;
    const info = {
      address,
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    };
    try {
      const admitted = await caller.admitAs(contract, principal, info);
      send(replyFrame(id, await admitted.call(payload)));
      if (logger.isLevelEnabled('debug')) logger.debug('request answered over a socket');
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.status >= LOGGED_STATUS)
        logger.error({ err: error.cause, code: error.code }, 'a request over a socket failed');
      send(errorFrame(id, error, traceId));
    }
  }
}
