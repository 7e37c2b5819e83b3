import { type EventFeed, type SocketSession, WarrenClient } from '@warren/client';
import {
  CANCEL_TICKET,
  CREATE_TICKET,
  MATCH_ENDED,
  MATCH_FAILED,
  MATCH_FOUND,
  type PayloadOf,
  type TicketReply,
} from '@warren/contracts';
import { GameConnection } from '@warren/example-bots';
import { chooseMove, createRng } from '@warren/example-game-server/game';
import type { SecretBook } from './secret_book.ts';
import { until } from './until.ts';

export type MatchFound = PayloadOf<typeof MATCH_FOUND>;

export interface TestPlayerOptions {
  readonly gatewayUrl: string;
  readonly name: string;
  readonly secrets: SecretBook;
  /** How long calls keep trying, milliseconds. */
  readonly retryForMs?: number;
}

export interface PlayerEvent {
  readonly type: 'match.found' | 'match.ended' | 'match.failed';
  readonly gameId: string;
  /** Code of a failure, winner of an end. */
  readonly what: string;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

const PASSWORD_BYTES = 18;
const ENTRY_RETRY_MS = 30_000;

/** A player that uses the public API and keeps every event in the order of its arrival. */
export class TestPlayer {
  readonly name: string;
  readonly client: WarrenClient;
  readonly events: PlayerEvent[] = [];
  readonly invitations: MatchFound[] = [];
  /** Every change of the connection: `open connected`, `lost 1012 restart`. */
  readonly states: string[] = [];
  readonly login: string;
  readonly password = Buffer.from(crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES))).toString('base64url');
  gaps = 0;
  #session: SocketSession | undefined;
  #game: GameConnection | undefined;
  readonly #secrets: SecretBook;

  constructor({ gatewayUrl, name, secrets, retryForMs = ENTRY_RETRY_MS }: TestPlayerOptions) {
    this.name = name;
    this.login = `${name}-${crypto.randomUUID().slice(0, 8)}`;
    this.client = new WarrenClient({ baseUrl: gatewayUrl, fetch: secrets.fetch, retryForMs });
    this.#secrets = secrets;
  }

  get session(): SocketSession {
    if (this.#session === undefined) throw new Error(`${this.name} is not connected`);
    return this.#session;
  }

  /** Registers and logs in. */
  async signUp(): Promise<this> {
    await this.client.register(this.login, this.password, this.name);
    await this.client.login(this.login, this.password);
    return this;
  }

  /** Opens the connection and begins to listen. */
  async connect(): Promise<this> {
    this.#session = await this.client.connect({
      onState: (state, reason, code) =>
        this.states.push([state, code, reason].filter((part) => part !== undefined).join(' ')),
      onGap: () => this.gaps++,
      listen: (events) => this.#listen(events),
    });
    return this;
  }

  queue(mode: string): Promise<TicketReply> {
    return this.client.call(CREATE_TICKET, { mode, client_tag: this.name });
  }

  /** Queues and leaves again: works only when no ticket of this player is live. */
  async queueAndLeave(mode: string): Promise<void> {
    const { ticket_id } = await this.queue(mode);
    await this.client.call(CANCEL_TICKET, { ticket_id });
  }

  ofType(type: PlayerEvent['type']): PlayerEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** Ends of matches, good and bad. */
  get ends(): PlayerEvent[] {
    return this.events.filter(({ type }) => type !== 'match.found');
  }

  /** The invitation to a match, past or coming. */
  invited(timeoutMs: number, nth = 0): Promise<MatchFound> {
    return until(() => this.invitations[nth], { timeoutMs, what: `${this.name} gets match.found` });
  }

  /** The end of the `nth` match of this player, good or bad. */
  over(timeoutMs: number, nth = 0): Promise<PlayerEvent> {
    return until(() => this.ends[nth], { timeoutMs, what: `${this.name} hears the end of the match` });
  }

  /** Joins the game server; with `idle` without ever sending an input. Resolves when the connection is over, however. */
  async play(found: MatchFound, { idle = false }: { readonly idle?: boolean } = {}): Promise<void> {
    const rng = createRng(found.slot + 1);
    this.#game = new GameConnection({
      address: found.address,
      joinTicket: found.join_ticket,
      onSnapshot: (snapshot, { map, slot }) =>
        idle ? undefined : chooseMove({ map, snapshot }, slot, rng, { hesitation: 0 }),
    });
    await this.#game.over().catch(() => undefined);
  }

  #listen(events: EventFeed): void {
    const keep = (type: PlayerEvent['type'], gameId: string, what: string): void => {
      this.events.push({ type, gameId, what, at: performance.now() });
    };
    events.on(MATCH_FOUND, (found) => {
      this.#secrets.read(found);
      this.invitations.push(found);
      keep('match.found', found.game_id, found.address);
    });
    events.on(MATCH_ENDED, (ended) => keep('match.ended', ended.game_id, ended.winner));
    events.on(MATCH_FAILED, (failed) => keep('match.failed', failed.game_id, failed.code));
  }

  close(): void {
    this.#game?.close();
    this.#session?.close();
  }
}
