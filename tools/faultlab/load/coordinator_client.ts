import { ASSIGN_GAME, RELEASE_GAME } from '@warren/contracts';
import { AppError, type Logger, newId, silentLogger } from '@warren/kernel';
import { ConfirmedPublisher, EXCHANGE, RabbitLink, RpcClient } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type { Call } from './caller.ts';
import { unknown, type Verdict, verdictOfError } from './verdict.ts';

const READY_TIMEOUT_MS = 30_000;
const CONFIRM_TIMEOUT_MS = 5_000;
const PROCESS = 'lab-coordinator';

/** Speaks to the allocator as the coordinator does: with its broker user, by RPC and by durable commands. */
export class CoordinatorClient {
  readonly publishLink: RabbitLink;
  readonly #rpc: RpcClient;
  readonly #publisher: ConfirmedPublisher;

  private constructor(url: string, user: string) {
    const logger: Logger = silentLogger();
    const metrics = new Metrics('faultlab');
    this.publishLink = new RabbitLink({ url, role: 'publish', name: PROCESS, logger, metrics });
    this.#rpc = new RpcClient({
      publishLink: this.publishLink,
      user,
      prefix: 'coordinator',
      instance: `faultlab-${process.pid}`,
      logger,
      metrics,
    });
    this.#publisher = new ConfirmedPublisher({ link: this.publishLink, prefix: 'coordinator', logger, metrics });
  }

  static async open(url: string): Promise<CoordinatorClient> {
    const client = new CoordinatorClient(url, decodeURIComponent(new URL(url).username));
    client.publishLink.start();
    await client.publishLink.ready(READY_TIMEOUT_MS);
    await client.#rpc.start();
    return client;
  }

  assign(gameId: string, key: string): Call {
    const dto = {
      game_id: gameId,
      match: { mode: 'lab', seed: 1, players: [{ player_id: newId(), slot: 0 }] },
    };
    const send = (): Promise<Verdict> => this.#ask(() => this.#rpc.call(ASSIGN_GAME, dto, { messageId: key }));
    return { process: PROCESS, op: ASSIGN_GAME.name, key, replayable: false, send };
  }

  releaseByRpc(gameId: string, key: string): Call {
    const dto = { game_id: gameId, reason: 'ended' } as const;
    const send = (): Promise<Verdict> => this.#ask(() => this.#rpc.call(RELEASE_GAME, dto, { messageId: key }));
    return { process: PROCESS, op: `${RELEASE_GAME.name}:rpc`, key, replayable: false, send };
  }

  /** Acknowledged when the broker has it; what the allocator makes of it is seen in its tables. */
  releaseByCommand(gameId: string, key: string): Call {
    const body = { game_id: gameId, reason: 'ended' };
    return {
      process: PROCESS,
      op: `${RELEASE_GAME.name}:command`,
      key,
      replayable: false,
      send: () => this.#publish(key, body),
    };
  }

  /** A command that nobody can read: it has to end in the dead letters. */
  poison(key: string): Call {
    const body = { game_id: 'this is no id', reason: 'poison' };
    return { process: PROCESS, op: 'poison', key, replayable: false, send: () => this.#publish(key, body) };
  }

  async close(): Promise<void> {
    await this.#publisher.stop(1_000);
    await this.#rpc.stop();
    await this.publishLink.stop();
  }

  async #ask(work: () => Promise<unknown>): Promise<Verdict> {
    try {
      return { type: 'ok', value: await work() };
    } catch (error) {
      return error instanceof AppError ? verdictOfError(error.code, error.retryable) : unknown(String(error));
    }
  }

  async #publish(messageId: string, body: object): Promise<Verdict> {
    const message = {
      exchange: EXCHANGE.commands,
      key: RELEASE_GAME.name,
      body: Buffer.from(JSON.stringify(body)),
      messageId,
      type: `${RELEASE_GAME.name}@${RELEASE_GAME.version}`,
      persistent: true,
      headers: { 'warren-attempt': 1 },
    };
    const outcome = await this.#publisher.publish(message, { timeoutMs: CONFIRM_TIMEOUT_MS });
    if (outcome === 'confirmed') return { type: 'ok', value: 'confirmed' };
    return outcome === 'unknown' ? unknown(outcome) : { type: 'fail', code: outcome, refused: false };
  }
}
