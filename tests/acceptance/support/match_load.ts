import type { SecretBook } from '../../e2e/support/secret_book.ts';
import { TestPlayer } from '../../e2e/support/test_player.ts';
import { pause } from './pause.ts';

export interface MatchLoadOptions {
  readonly gatewayUrl: string;
  readonly count: number;
  /** A mode whose matches need one player, who never joins: each ends in a failure that the player is told of. */
  readonly mode: string;
  readonly secrets: SecretBook;
}

/** A failed call is repeated with its key for this long. */
const RETRY_FOR_MS = 120_000;
const END_TIMEOUT_MS = 120_000;
const BETWEEN_MS = 100;

/**
 * Players with open sockets who queue for matches without a server, hear how they failed and queue again. Everything durable
 * takes part: outbox, saga, commands, pushed events and their rings.
 */
export class MatchLoad {
  readonly players: readonly TestPlayer[];
  readonly #mode: string;
  #stopping = false;
  #running: Promise<void[]> | undefined;

  private constructor(players: readonly TestPlayer[], mode: string) {
    this.players = players;
    this.#mode = mode;
  }

  /** Signs the players up and connects them. */
  static async open({ gatewayUrl, count, mode, secrets }: MatchLoadOptions): Promise<MatchLoad> {
    const players: TestPlayer[] = [];
    for (let index = 0; index < count; index++) {
      const options = { gatewayUrl, name: `solo${index}`, secrets, retryForMs: RETRY_FOR_MS };
      players.push(await (await new TestPlayer(options).signUp()).connect());
    }
    return new MatchLoad(players, mode);
  }

  start(): void {
    this.#stopping = false;
    this.#running = Promise.all(this.players.map((player) => this.#play(player)));
    this.#running.catch(() => undefined);
  }

  /** Lets every match that was begun come to its end; `start` may follow. @throws Error when one does not */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** What players were told at the end of matches, `game player`, as often as they were told. */
  get told(): readonly string[] {
    return this.players.flatMap(({ client, ends }) => ends.map(({ gameId }) => `${gameId} ${client.accountId}`)).sort();
  }

  get gaps(): number {
    return this.players.reduce((sum, { gaps }) => sum + gaps, 0);
  }

  close(): void {
    for (const player of this.players) player.close();
  }

  async #play(player: TestPlayer): Promise<void> {
    while (!this.#stopping) {
      const before = player.ends.length;
      await player.queue(this.#mode);
      await player.over(END_TIMEOUT_MS, before);
      await pause(BETWEEN_MS);
    }
  }
}
