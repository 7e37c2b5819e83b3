import {
  type Assignment,
  CONFIRM_ASSIGNMENT,
  type Contract,
  DRAIN_SERVER,
  GAME_ASSIGNED,
  GAME_RELEASED,
  REGISTER_SERVER,
  REPORT_FAILURE,
  REPORT_HEARTBEAT,
  REPORT_JOIN,
  REPORT_RESULT,
  type ReplyOf,
  type ReportFailureDto,
  type ReportResultDto,
} from '@warren/contracts';
import { DEFAULT_TOKEN_ISSUER, type JoinClaims } from '@warren/tokens';
import { SocketSession, WarrenError } from '@warren/wire';
import type * as z from 'zod';
import { FleetSession } from './fleet_session.ts';
import { hostLoadMeter, type Load } from './host_load.ts';
import { JoinDesk } from './join_desk.ts';

export interface GameServerOptions {
  /** `https://play.example.com`. */
  readonly gatewayUrl: string;
  readonly serverKey: string;
  /** Name of this process in the fleet; the same after a restart. */
  readonly instanceId: string;
  /** Where players connect: `wss://host:port`. */
  readonly address: string;
  /** Games that run at once. */
  readonly capacity: number;
  readonly region?: string;
  readonly version?: string;
  readonly tags?: readonly string[];
  /** Measures the load; the machine's CPU and memory unless given. */
  readonly load?: () => Load;
  readonly issuer?: string;
  /** Prepares a game; it is confirmed when this resolves, and given up when it rejects. Called once per game. */
  readonly onAssigned: (assignment: Assignment) => Promise<void> | void;
  /** The game was taken away: end whatever still runs of it. */
  readonly onReleased: (gameId: string, reason: string) => void;
  /** Trouble that the SDK works around by itself, for the log. */
  readonly onTrouble?: (what: string, error: unknown) => void;
}

const RETRY_MS = 60_000;
const FIRST_HEARTBEAT_MS = 2_000;
const FORGET_AFTER_MS = 600_000;

type GameState = 'preparing' | 'running' | 'over';

/** What is kept of a game between its assignment and its end. */
interface Game {
  readonly state: GameState;
  readonly traceparent: string | undefined;
}

/**
 * A game server's side of Warren: registers, sends heartbeats, receives games, admits players and reports results. It
 * speaks HTTPS and WebSocket to the gateway only and holds no credential but its fleet key.
 */
export class GameServer {
  readonly #options: GameServerOptions;
  readonly #fleet: FleetSession;
  readonly #desk: JoinDesk;
  readonly #events: SocketSession;
  readonly #load: () => Load;
  readonly #games = new Map<string, Game>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #heartbeatMs = FIRST_HEARTBEAT_MS;
  #draining = false;

  constructor(options: GameServerOptions) {
    this.#options = options;
    const { gatewayUrl, serverKey, instanceId, issuer = DEFAULT_TOKEN_ISSUER } = options;
    this.#fleet = new FleetSession({ gatewayUrl, serverKey, instanceId, issuer });
    this.#desk = new JoinDesk(this.#fleet.verifier, instanceId);
    this.#load = options.load ?? hostLoadMeter();
    this.#events = new SocketSession({
      api: this.#fleet.api,
      path: '/v1/servers/ws',
      token: () => this.#fleet.token(),
      onGap: () => void this.#beat(),
    });
    this.#events.events.on(GAME_ASSIGNED, (assignment) => this.#take(assignment));
    this.#events.events.on(GAME_RELEASED, ({ game_id, reason }) => this.#drop(game_id, reason));
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Games under way. */
  get games(): readonly string[] {
    return [...this.#games].filter(([, game]) => game.state !== 'over').map(([id]) => id);
  }

  /** Resolves when the server is in the directory and receives games. @throws WarrenError */
  async start(): Promise<void> {
    await this.#register();
    await this.#events.open();
    await this.#beat();
  }

  /** Checks a player's join ticket, offline, and uses it up. @throws WarrenError JOIN_TICKET_REFUSED */
  async admit(ticket: string): Promise<JoinClaims> {
    const claims = await this.#desk.admit(ticket);
    if (this.#games.get(claims.game_id)?.state !== 'running') throw new WarrenError('JOIN_TICKET_REFUSED', 'This game does not run here.');
    return claims;
  }

  /** Tells the platform that a player has joined. */
  async reportJoin(gameId: string, playerId: string): Promise<void> {
    await this.#call(REPORT_JOIN, { game_id: gameId, player_id: playerId }, `join:${gameId}:${playerId}`);
  }

  /** Ends a game with its result; keeps trying until the platform has it. */
  async reportResult(result: ReportResultDto): Promise<void> {
    this.#end(result.game_id);
    await this.#call(REPORT_RESULT, result, `result:${result.game_id}`);
  }

  /** Ends a game without a result. */
  async reportFailure(gameId: string, failure: ReportFailureDto['failure']): Promise<void> {
    this.#end(gameId);
    await this.#call(REPORT_FAILURE, { game_id: gameId, failure }, `failure:${gameId}`);
  }

  /** Takes no new games; resolves to the number that still run. */
  async drain(): Promise<number> {
    this.#draining = true;
    const reply = await this.#call(DRAIN_SERVER, {}, crypto.randomUUID());
    return reply.games;
  }

  /** Ends heartbeats and the connection. Games that still run are counted as lost by the platform. */
  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#events.close();
  }

  async #register(): Promise<void> {
    const { address, capacity, region = 'default', version = '0', tags = [] } = this.#options;
    const reply = await this.#call(REGISTER_SERVER, { address, capacity, region, version, tags: [...tags] }, crypto.randomUUID());
    this.#heartbeatMs = reply.heartbeat_interval_ms;
  }

  async #beat(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const { cpu, ram } = this.#load();
      const running = [...this.#games].filter(([, game]) => game.state === 'running').map(([id]) => id);
      const reply = await this.#call(REPORT_HEARTBEAT, { cpu, ram, games: [...this.games] }, crypto.randomUUID(), this.#heartbeatMs);
      for (const assignment of reply.assignments) this.#take(assignment);
      this.#dropUnassigned(running, reply.assignments);
    } catch (error) {
      this.#options.onTrouble?.('heartbeat', error);
      if (error instanceof WarrenError && error.code === 'ALLOCATOR_SERVER_UNKNOWN') {
        await this.#register().catch((cause: unknown) => this.#options.onTrouble?.('register', cause));
      }
    }
    if (!this.#stop.signal.aborted) this.#timer = setTimeout(() => void this.#beat(), this.#heartbeatMs);
  }

  /** Assignments come by push and with every heartbeat; each game is prepared once. */
  #take(assignment: Assignment): void {
    const { game_id: gameId, state } = assignment;
    const { traceparent } = assignment.match;
    if (this.#games.has(gameId)) return;
    if (state === 'confirmed') {
      // this process was restarted: the game it had confirmed died with its memory
      this.#games.set(gameId, { state: 'over', traceparent });
      void this.reportFailure(gameId, 'MATCH_ABORTED').catch((error: unknown) => this.#options.onTrouble?.('give up', error));
      return;
    }
    this.#games.set(gameId, { state: 'preparing', traceparent });
    void this.#prepare(assignment);
  }

  async #prepare(assignment: Assignment): Promise<void> {
    const { game_id, lease_id } = assignment;
    try {
      await this.#options.onAssigned(assignment);
      this.#games.set(game_id, { state: 'running', traceparent: assignment.match.traceparent });
      await this.#call(CONFIRM_ASSIGNMENT, { game_id, lease_id }, `confirm:${lease_id}`);
    } catch (error) {
      this.#options.onTrouble?.('prepare a game', error);
      this.#drop(game_id, 'not confirmed');
    }
  }

  /**
   * A release that was missed shows in the heartbeat's answer. Only games that ran before the heartbeat was sent can be
   * missing from it: a later one may have been assigned after the answer was made.
   */
  #dropUnassigned(running: readonly string[], assignments: readonly Assignment[]): void {
    const assigned = new Set(assignments.map((assignment) => assignment.game_id));
    for (const gameId of running) if (!assigned.has(gameId)) this.#drop(gameId, 'not assigned any more');
  }

  #drop(gameId: string, reason: string): void {
    if (this.#games.get(gameId)?.state === 'over') return;
    this.#end(gameId);
    this.#options.onReleased(gameId, reason);
  }

  /** An ended game is remembered for a while, so that a late push does not start it again. */
  #end(gameId: string): void {
    this.#games.set(gameId, { state: 'over', traceparent: this.#games.get(gameId)?.traceparent });
    setTimeout(() => this.#games.delete(gameId), FORGET_AFTER_MS).unref();
  }

  async #call<C extends Contract>(contract: C, dto: z.input<C['dto']>, key: string, retryForMs = RETRY_MS): Promise<ReplyOf<C>> {
    const token = await this.#fleet.token();
    const gameId = 'game_id' in dto && typeof dto.game_id === 'string' ? dto.game_id : '';
    const traceparent = this.#games.get(gameId)?.traceparent;
    const options = { token, key, retryForMs, signal: this.#stop.signal };
    return this.#fleet.api.call(contract, dto, traceparent === undefined ? options : { ...options, traceparent });
  }
}
