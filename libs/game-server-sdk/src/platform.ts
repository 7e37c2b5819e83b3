import {
  CONFIRM_ASSIGNMENT,
  type Contract,
  DRAIN_SERVER,
  REGISTER_SERVER,
  REPORT_FAILURE,
  REPORT_HEARTBEAT,
  REPORT_JOIN,
  REPORT_RESULT,
  type RegisterServerDto,
  type ReplyOf,
  type ReportFailureDto,
  type ReportHeartbeatDto,
  type ReportHeartbeatReply,
  type ReportResultDto,
} from '@warren/contracts';
import { type Api, withToken } from '@warren/wire';
import type * as z from 'zod';
import type { FleetSession } from './fleet_session.ts';

export interface PlatformDeps {
  readonly api: Api;
  readonly fleet: FleetSession;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
}

interface CallSettings {
  readonly key?: string;
  readonly retryForMs?: number;
  /** Of the match that the call is about. */
  readonly traceparent?: string | undefined;
}

export const RETRY_MS = 60_000;
/** A result outlives a long outage of the platform: the game was played. */
const REPORT_RETRY_MS = 300_000;

/** What a game server asks of the platform. Keys are derived from what is said, so that it is said once. @throws WarrenError */
export class Platform {
  readonly #deps: PlatformDeps;

  constructor(deps: PlatformDeps) {
    this.#deps = deps;
  }

  /** Resolves to the interval at which the platform wants heartbeats, milliseconds. */
  async register(dto: RegisterServerDto): Promise<number> {
    const reply = await this.#call(REGISTER_SERVER, dto);
    return reply.heartbeat_interval_ms;
  }

  heartbeat(dto: ReportHeartbeatDto, retryForMs: number): Promise<ReportHeartbeatReply> {
    return this.#call(REPORT_HEARTBEAT, dto, { retryForMs });
  }

  /** Resolves to the games that still run by the platform's count. */
  async drain(): Promise<number> {
    const reply = await this.#call(DRAIN_SERVER, {});
    return reply.games;
  }

  async confirm(gameId: string, leaseId: string, traceparent: string | undefined): Promise<void> {
    await this.#call(
      CONFIRM_ASSIGNMENT,
      { game_id: gameId, lease_id: leaseId },
      { key: `confirm:${leaseId}`, traceparent },
    );
  }

  async reportJoin(gameId: string, playerId: string, traceparent: string | undefined): Promise<void> {
    const key = `join:${gameId}:${playerId}`;
    await this.#call(REPORT_JOIN, { game_id: gameId, player_id: playerId }, { key, traceparent });
  }

  async reportResult(result: ReportResultDto, traceparent: string | undefined): Promise<void> {
    await this.#call(REPORT_RESULT, result, {
      key: `result:${result.game_id}`,
      traceparent,
      retryForMs: REPORT_RETRY_MS,
    });
  }

  async reportFailure(report: ReportFailureDto, traceparent: string | undefined): Promise<void> {
    await this.#call(REPORT_FAILURE, report, {
      key: `failure:${report.game_id}`,
      traceparent,
      retryForMs: REPORT_RETRY_MS,
    });
  }

  #call<C extends Contract>(contract: C, dto: z.input<C['dto']>, settings: CallSettings = {}): Promise<ReplyOf<C>> {
    const { api, fleet, signal } = this.#deps;
    const { key = crypto.randomUUID(), retryForMs = RETRY_MS, traceparent } = settings;
    const options = { key, retryForMs, signal, ...(traceparent === undefined ? {} : { traceparent }) };
    return withToken(
      (refused) => fleet.token(refused),
      (token) => api.call(contract, dto, { ...options, token }),
    );
  }
}
