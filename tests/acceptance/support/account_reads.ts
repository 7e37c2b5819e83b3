import { HttpSender } from '../../e2e/support/http_sender.ts';
import { until } from '../../e2e/support/until.ts';
import { pause } from './pause.ts';
import type { LoadPlayer } from './ticket_load.ts';

const EVERY_MS = 50;
/** Reads that wait for their answers at most. */
const MAX_OPEN = 20;

/** Asks auth-svc for accounts all the time, without repeating what fails. */
export class AccountReads {
  readonly #sender: HttpSender;
  readonly #players: readonly LoadPlayer[];
  readonly #successes: { readonly begunAt: number; readonly endedAt: number }[] = [];
  #running: Promise<void> | undefined;
  #stopping = false;
  #open = 0;

  constructor(targets: () => readonly string[], players: readonly LoadPlayer[]) {
    this.#sender = new HttpSender(targets);
    this.#players = players;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#sender.close();
  }

  /** Resolves to the milliseconds from `at` until a read that began after it was answered. */
  async servedAfter(at: number, timeoutMs: number): Promise<number> {
    const found = () => this.#successes.find(({ begunAt }) => begunAt >= at);
    const { endedAt } = await until(found, { timeoutMs, what: 'an account can be read' });
    return Math.round(endedAt - at);
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) {
      const player = this.#players[turn % this.#players.length];
      if (player !== undefined && this.#open < MAX_OPEN) void this.#read(player);
      await pause(EVERY_MS);
    }
    await until(() => this.#open === 0, { timeoutMs: 30_000, what: 'all reads are answered' });
  }

  async #read({ token }: LoadPlayer): Promise<void> {
    this.#open++;
    const begunAt = performance.now();
    const outcome = await this.#sender.send({
      method: 'GET',
      path: '/v1/me',
      headers: { authorization: `Bearer ${token}` },
    });
    if (outcome.kind === 'answered' && outcome.status === 200)
      this.#successes.push({ begunAt, endedAt: performance.now() });
    this.#open--;
  }
}
