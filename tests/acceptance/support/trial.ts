import { TicketReply } from '@warren/contracts';
import { type EffectVerdict, judgeEffects, type SeededRng } from '@warren/testing';
import { expect } from 'vitest';
import { say } from '../../e2e/support/say.ts';
import { until } from '../../e2e/support/until.ts';
import { CROWD, type Lab } from './lab.ts';
import type { MatchLoad } from './match_load.ts';
import { pause } from './pause.ts';
import { type LoadPlayer, TicketLoad } from './ticket_load.ts';

export interface TrialOptions {
  readonly lab: Lab;
  /** `A-02`: for the output and as the beginning of all keys. */
  readonly name: string;
  readonly players: readonly LoadPlayer[];
  readonly matches: MatchLoad;
  readonly commandsPerSecond: number;
  readonly rng: SeededRng;
}

const REPLAYED = 150;
const TOLD_WITHIN_MS = 60_000;
const NOTHING: EffectVerdict = { lost: [], doubled: [], phantoms: [] };
const NO_FAULTS = { unfinished: [], unavailableWithoutRetryAfter: 0, differing: [], refused: [] };

/** Load on a lab while something is done to it, and the judgement of what became of every command. */
export class Trial {
  readonly load: TicketLoad;
  #rate = 0;
  readonly #options: TrialOptions;

  constructor(options: TrialOptions) {
    const { lab, name, players, commandsPerSecond, rng } = options;
    this.#options = options;
    this.load = new TicketLoad({
      name,
      targets: () => lab.system.gatewayUrls,
      players,
      mode: CROWD,
      commandsPerSecond,
      rng: rng.fork(name),
    });
  }

  /** Lets the load run for a while before anything happens to the system. */
  async start(steadyMs: number): Promise<void> {
    const { matches } = this.#options;
    // a trial before this one may have failed half-way
    await matches.finish().catch(() => undefined);
    this.load.start();
    matches.start();
    await pause(steadyMs);
    this.#rate = this.load.rateUntil(performance.now());
  }

  /** Ends the load and holds what clients were told against what is stored: nothing lost, nothing twice, every answer the same again. */
  async settle(): Promise<void> {
    const { lab, name, matches, rng, commandsPerSecond } = this.#options;
    await Promise.all([this.load.stop(), matches.finish()]);
    const replayed = await this.load.replay(REPLAYED);
    this.load.close();
    const { operations, requests } = this.load.history.counts();
    say(
      `${name} seed ${rng.seed}: ${operations['ok']} commands, ${this.#rate}/s of ${commandsPerSecond}/s wanted before the fault, ` +
        `requests ${JSON.stringify(requests)}, slowest ${this.load.slowestMs} ms, ${replayed} repeated; ` +
        `${matches.told.length} matches`,
    );
    expect(this.load.faults).toEqual(NO_FAULTS);
    const { effects, cancels } = await this.#judge();
    expect(effects).toEqual(NOTHING);
    expect(cancels).toEqual([]);
    await this.#expectEverybodyTold(lab, matches);
    await until(async () => (await lab.stored.outboxRows()) === 0, {
      timeoutMs: TOLD_WITHIN_MS,
      what: 'the outbox is empty',
    });
  }

  /** Milliseconds from `at` to the first success after it. */
  firstSuccessAfter(at: number): number {
    return Math.round((this.load.history.firstOkAfter(at)?.endedAt ?? Number.POSITIVE_INFINITY) - at);
  }

  /** Resolves to the milliseconds from `at` to the first success after it, as soon as there is one. */
  async recovered(at: number, timeoutMs: number): Promise<number> {
    await until(() => this.load.history.firstOkAfter(at) !== undefined, {
      timeoutMs,
      what: 'a command succeeds again',
    });
    return this.firstSuccessAfter(at);
  }

  /** Resolves to the milliseconds from `at` until a command that began after it was answered. */
  async servedAfter(at: number, timeoutMs: number): Promise<number> {
    const ends = () => {
      const later = this.load.history.withOutcome('ok').filter(({ invokedAt }) => invokedAt >= at);
      return later.length > 0 && later.map(({ endedAt = Number.POSITIVE_INFINITY }) => endedAt);
    };
    return Math.round(Math.min(...(await until(ends, { timeoutMs, what: 'a command is served' }))) - at);
  }

  async #judge(): Promise<{ readonly effects: EffectVerdict; readonly cancels: readonly string[] }> {
    const { lab, name } = this.#options;
    const rows = (await lab.stored.tickets(CROWD)).filter((row) => row.client_tag.startsWith(`${name}-`));
    const states = new Map(rows.map((row) => [row.id, row.state]));
    const { all } = this.load.history;
    const effects = judgeEffects(
      all.filter(({ kind }) => kind === 'create'),
      rows.map((row) => row.client_tag),
    );
    const cancelled = all.filter(({ kind, outcome }) => kind === 'cancel' && outcome === 'ok');
    const lost = cancelled.filter(({ answer }) => states.get(TicketReply.parse(answer).ticket_id) !== 'cancelled');
    return { effects, cancels: lost.map(({ key }) => key) };
  }

  /** Every player of every match that is over heard of its end once, and nothing else. */
  async #expectEverybodyTold(lab: Lab, matches: MatchLoad): Promise<void> {
    const stored = await lab.stored.toldPlayers();
    await until(() => matches.told.length >= stored.length, { timeoutMs: TOLD_WITHIN_MS, what: 'players were told' });
    expect(matches.told).toEqual(stored);
    expect(matches.gaps).toBe(0);
    expect(await lab.stored.liveMatches()).toEqual([]);
  }
}
