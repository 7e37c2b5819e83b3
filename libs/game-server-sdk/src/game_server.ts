import {
  type Assignment,
  GAME_ASSIGNED,
  GAME_RELEASED,
  type ReportFailureDto,
  type ReportHeartbeatReply,
  type ReportResultDto,
} from '@warren/contracts';
import { DEFAULT_TOKEN_ISSUER } from '@warren/tokens';
import { Api, SocketSession, WarrenError } from '@warren/wire';
import { EarlyJoins } from './early_joins.ts';
import { FleetSession } from './fleet_session.ts';
import { type Game, GameBook } from './game_book.ts';
import type { GameServerOptions } from './game_server_options.ts';
import { boundedLoad, hostLoadMeter, type Load } from './host_load.ts';
import type { JoinClaims } from './join_claims.ts';
import { JoinDesk } from './join_desk.ts';
import { Platform, RETRY_MS } from './platform.ts';
import { Pulse } from './pulse.ts';

const FIRST_HEARTBEAT_MS = 2_000;
/** The contract's bound; a server's capacity is no larger. */
const MAX_REPORTED_GAMES = 5_000;

/**
 * A game server's side of Warren: registers, sends heartbeats, receives games, admits players and reports results. It
 * speaks HTTPS and WebSocket to the gateway only and holds no credential but its fleet key.
 */
export class GameServer {
  readonly #options: GameServerOptions;
  readonly #fleet: FleetSession;
  readonly #platform: Platform;
  readonly #desk: JoinDesk;
  readonly #events: SocketSession;
  readonly #load: () => Load;
  readonly #games = new GameBook();
  readonly #stop = new AbortController();
  readonly #pulse = new Pulse({ beat: () => this.#beat(), intervalMs: () => this.#heartbeatMs });
  readonly #early = new EarlyJoins({ games: this.#games, wake: () => this.#pulse.wake() });
  #heartbeatMs = FIRST_HEARTBEAT_MS;
  #draining = false;
  #state: 'new' | 'starting' | 'started' = 'new';

  /** Does nothing yet. @throws TypeError for a gatewayUrl that is no address */
  constructor(options: GameServerOptions) {
    this.#options = options;
    const { gatewayUrl, serverKey, instanceId, issuer = DEFAULT_TOKEN_ISSUER, webSocket } = options;
    const api = new Api({ baseUrl: gatewayUrl, ...(webSocket === undefined ? {} : { webSocket }) });
    const { signal } = this.#stop;
    this.#fleet = new FleetSession({ api, serverKey, instanceId, issuer, signal });
    this.#platform = new Platform({ api, fleet: this.#fleet, signal });
    this.#desk = new JoinDesk(this.#fleet.verifier, instanceId);
    this.#load = options.load ?? hostLoadMeter();
    this.#events = new SocketSession({
      api,
      path: '/v1/servers/ws',
      token: (refused) => this.#fleet.token(refused),
      openForMs: RETRY_MS,
      // a heartbeat's answer names every assignment
      onGap: () => this.#pulse.wake(),
      onFault: (error) => this.#trouble('event', error),
      onState: (state, reason) => {
        if (state === 'closed') this.#sentAway(reason);
      },
    });
    this.#events.events.on(GAME_ASSIGNED, (assignment) => this.#take(assignment));
    this.#events.events.on(GAME_RELEASED, ({ game_id, lease_id, reason }) => {
      const game = this.#games.get(game_id);
      // the end of an older lease says nothing about the game that came back with a newer one
      if (game?.leaseId === lease_id) this.#release(game, reason);
    });
  }

  /** True from the call of `drain`. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Ids of the games under way: prepared, running, or their end not yet known to the platform. */
  get games(): readonly string[] {
    return this.#games.in('preparing', 'running', 'reporting').map(({ id }) => id);
  }

  /**
   * Resolves when the server is in the directory and receives games; keeps trying for a minute. Call it once.
   * @throws WarrenError AUTH_SERVER_KEY_REFUSED, AUTH_INSTANCE_TAKEN, ALLOCATOR_ADDRESS_REFUSED, or of the network; the
   *   server is stopped then
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('a GameServer is started once');
    this.#state = 'starting';
    try {
      await this.#register();
      // before the first push, so that what an earlier process had confirmed is known as such and not begun anew
      this.#heed(await this.#heartbeat(RETRY_MS), []);
      await this.#events.open();
    } catch (error) {
      this.stop();
      throw error;
    }
    this.#state = 'started';
    this.#fleet.verifier.load().catch((error: unknown) => this.#trouble('keys', error));
    this.#pulse.wake();
  }

  /**
   * Checks a player's join ticket, offline, and uses it up. A player who comes before the game waits for it for up to four
   * seconds.
   * @throws WarrenError JOIN_TICKET_REFUSED; retryable: SERVICE_UNAVAILABLE, JOIN_DESK_FULL
   */
  admit(ticket: string): Promise<JoinClaims> {
    return this.#desk.admit(ticket, (gameId) => this.#early.opens(gameId));
  }

  /** Tells the platform that a player has joined; keeps trying for a minute. @throws WarrenError */
  reportJoin(gameId: string, playerId: string): Promise<void> {
    return this.#platform.reportJoin(gameId, playerId, this.#games.get(gameId)?.traceparent);
  }

  /** Ends a game with its result; keeps trying for five minutes. @throws WarrenError COORDINATOR_MATCH_NOT_RUNNING, COORDINATOR_RESULT_INVALID */
  reportResult(result: ReportResultDto): Promise<void> {
    return this.#report(result.game_id, (trace) => this.#platform.reportResult(result, trace));
  }

  /** Ends a game without a result; keeps trying for five minutes. @throws WarrenError COORDINATOR_MATCH_NOT_RUNNING */
  reportFailure(gameId: string, failure: ReportFailureDto['failure']): Promise<void> {
    return this.#report(gameId, (trace) => this.#platform.reportFailure({ game_id: gameId, failure }, trace));
  }

  /** Takes no new games; resolves to the number that still run by the platform's count. @throws WarrenError */
  drain(): Promise<number> {
    this.#draining = true;
    return this.#platform.drain();
  }

  /**
   * Ends heartbeats, the connection and every call under way, at once. Games that still run are counted as lost by the
   * platform: drain first, and wait until `games` is empty.
   */
  stop(): void {
    this.#stop.abort();
    this.#pulse.stop();
    this.#events.close();
    for (const game of this.#games.in('preparing')) game.preparation.abort();
  }

  async #register(): Promise<void> {
    const { address, capacity, region = 'default', version = '0', tags = [] } = this.#options;
    this.#heartbeatMs = await this.#platform.register({ address, capacity, region, version, tags: [...tags] });
  }

  async #beat(): Promise<void> {
    this.#games.prune();
    const running = this.#games.in('running');
    try {
      const reply = await this.#heartbeat(this.#heartbeatMs);
      this.#heed(reply, running);
      if (this.#draining && !reply.draining) await this.drain();
    } catch (error) {
      this.#trouble('heartbeat', error);
      if (error instanceof WarrenError && error.code === 'ALLOCATOR_SERVER_UNKNOWN') await this.#registerAgain();
    }
  }

  /** A registration makes a server ready for games: one that drains says so again. */
  async #registerAgain(): Promise<void> {
    try {
      await this.#register();
      if (this.#draining) await this.drain();
    } catch (error) {
      this.#trouble('register', error);
    }
  }

  #heartbeat(retryForMs: number): Promise<ReportHeartbeatReply> {
    return this.#platform.heartbeat({ ...this.#measure(), games: this.games.slice(0, MAX_REPORTED_GAMES) }, retryForMs);
  }

  /** A server that cannot measure itself is alive all the same; it counts as full, so that others come first. */
  #measure(): Load {
    try {
      return boundedLoad(this.#load());
    } catch (error) {
      this.#trouble('load', error);
      return { cpu: 1, ram: 1 };
    }
  }

  /**
   * Takes up what the platform has assigned. A release that was missed shows here as well, but only for games that ran before
   * the heartbeat was sent: a later one may have been assigned after the answer was made.
   */
  #heed({ assignments }: ReportHeartbeatReply, running: readonly Game[]): void {
    const assigned = new Set(assignments.map(({ lease_id }) => lease_id));
    for (const game of running) if (!assigned.has(game.leaseId)) this.#release(game, 'not assigned any more');
    for (const assignment of assignments) this.#take(assignment);
  }

  /** Assignments come by push and with every heartbeat; each lease is taken up once. */
  #take(assignment: Assignment): void {
    const known = this.#games.get(assignment.game_id);
    if (this.#stop.signal.aborted || known?.leaseId === assignment.lease_id) return;
    // its end is on the way to the platform, which decides
    if (known?.state === 'reporting') return;
    if (known !== undefined) this.#release(known, 'assigned anew');
    const game = this.#games.open(assignment);
    if (assignment.state === 'reserved') {
      void this.#prepare(game, assignment);
      return;
    }
    // this process was restarted: the game it had confirmed died with its memory
    this.reportFailure(game.id, 'MATCH_ABORTED').catch((error: unknown) => this.#trouble('give up a game', error));
  }

  async #prepare(game: Game, assignment: Assignment): Promise<void> {
    const { signal } = game.preparation;
    try {
      await this.#options.onAssigned(assignment, signal);
    } catch (error) {
      if (!signal.aborted) this.#trouble('prepare a game', error);
      if (game.state === 'preparing') this.#games.end(game);
      return;
    }
    if (game.state !== 'preparing') {
      if (!game.reported) this.#tellReleased(game.id, 'released before it was ready');
      return;
    }
    game.state = 'running';
    try {
      await this.#platform.confirm(game.id, game.leaseId, game.traceparent);
    } catch (error) {
      this.#trouble('confirm a game', error);
      this.#release(game, 'not confirmed');
    }
  }

  #release(game: Game, reason: string): void {
    const { state } = game;
    if (state === 'over' || state === 'reporting') return;
    this.#games.end(game);
    // one that is being prepared is told of when there is something to end
    if (state === 'running') this.#tellReleased(game.id, reason);
  }

  /** Until the platform knows of the end, heartbeats name the game: one that is missing there counts as lost. */
  async #report(gameId: string, send: (traceparent: string | undefined) => Promise<void>): Promise<void> {
    const game = this.#games.get(gameId);
    if (game === undefined || game.state === 'over') return send(game?.traceparent);
    game.state = 'reporting';
    game.reported = true;
    game.preparation.abort();
    try {
      await send(game.traceparent);
    } finally {
      this.#games.end(game);
    }
  }

  #sentAway(reason: string): void {
    if (this.#stop.signal.aborted || this.#state !== 'started') return;
    this.stop();
    for (const game of this.#games.in('preparing', 'running')) this.#release(game, reason);
    this.#guard('onStopped', () => this.#options.onStopped?.(reason));
  }

  #tellReleased(gameId: string, reason: string): void {
    this.#guard('onReleased', () => this.#options.onReleased(gameId, reason));
  }

  #trouble(what: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#options.onTrouble?.(what, error);
  }

  #guard(name: string, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#trouble(name, error);
    }
  }
}
