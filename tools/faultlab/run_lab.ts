import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRng } from '@warren/testing';
import type { Fault } from './faults/fault.ts';
import { HistoryWriter } from './history/history.ts';
import { Load } from './load/load.ts';
import type { Profile } from './profiles.ts';
import { type Census, settledCensus } from './report/census.ts';
import { readDeadLetters } from './report/dead_letters.ts';
import { type FinalState, StoredState } from './report/final_state.ts';
import { type LogReview, reviewLogFile } from './report/log_review.ts';
import { MetricsBook } from './report/metrics_book.ts';
import { type FaultRecord, playTimeline } from './schedule/play_timeline.ts';
import { LabSystem } from './system/lab_system.ts';
import type { ReplicaExit } from './system/replica.ts';

export interface LabOptions {
  readonly profile: Profile;
  readonly seed: number;
  readonly durationMs: number;
  readonly timeline: readonly Fault[];
  /** Whose services are started. */
  readonly tree: string;
  /** Where history, logs and report go. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Everything that a run left behind, for the checkers. */
export interface RunResult {
  readonly historyFile: string;
  readonly faults: readonly FaultRecord[];
  readonly final: FinalState;
  /** Places that still held something when the wait for rest was over. */
  readonly unfinished: Readonly<Record<string, number>>;
  readonly unsettled: readonly string[];
  /** Replicas that did not become ready again, and why. */
  readonly notReady: readonly string[];
  readonly before: Census;
  readonly after: Census;
  readonly metrics: MetricsBook;
  readonly exits: readonly ReplicaExit[];
  readonly logs: readonly LogReview[];
  readonly brokerLog: string;
  /** Times that the broker refused messages of the lab because of an alarm. */
  readonly blocked: number;
  readonly loadMs: number;
}

const SCRAPE_EVERY_MS = 3_000;
const STATUS_EVERY_MS = 10_000;
const REST_POLL_MS = 1_000;
const CROWD = 64;
const CROWDS = 12;

/** One run: servers and services up, load on, faults, load off, rest, and everything read that can be checked. */
export async function runLab(options: LabOptions): Promise<RunResult> {
  const { profile, seed, folder, tree, say } = options;
  for (const name of fs.readdirSync(folder)) if (/\.(log|err)$/.test(name)) fs.rmSync(path.join(folder, name));
  say('starting private servers and two replicas of every service');
  const network = new SeededRng(seed).fork('network');
  const random = (): number => network.next();
  const system = await LabSystem.start({ replicas: 2, tree, folder, env: profile.env, random });
  const stored = new StoredState(system);
  const history = new HistoryWriter(path.join(folder, 'history.jsonl'));
  try {
    const modes = Array.from({ length: CROWDS }, (_, index) => `crowd-${index}`);
    await stored.addModes(modes, CROWD);
    say(`signing ${profile.players} players up`);
    const load = await Load.prepare({ system, profile, seed, history, modes });
    return await new Run(options, { system, stored, history, load }).run();
  } finally {
    await stored.close();
    await system.stop();
  }
}

interface Parts {
  readonly system: LabSystem;
  readonly stored: StoredState;
  readonly history: HistoryWriter;
  readonly load: Load;
}

class Run {
  readonly #options: LabOptions;
  readonly #parts: Parts;
  readonly #metrics = new MetricsBook();
  #blocked = 0;

  constructor(options: LabOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  async run(): Promise<RunResult> {
    const { load, system } = this.#parts;
    const { profile, say } = this.#options;
    load.coordinator.publishLink.onState(({ blocked }) => {
      if (blocked) this.#blocked += 1;
    });
    const stopWatching = this.#watch();
    const startedAt = performance.now();
    load.start();
    await sleep(profile.plan.calmMs / 2);
    const before = await settledCensus(system);
    const faults = await this.#play(startedAt);
    say(`load off after ${load.commands} commands (${load.overdue} overdue); waiting for every answer`);
    await load.finish();
    const loadMs = performance.now() - startedAt;
    await system.edges.heal();
    const notReady = await this.#notReady();
    const unfinished = await this.#rest();
    await sleep(profile.restMs);
    stopWatching();
    await this.#metrics.scrape(system.replicas);
    return this.#collect({ before, faults, unfinished, notReady, loadMs });
  }

  async #play(startedAt: number): Promise<FaultRecord[]> {
    const { seed, timeline, durationMs, say } = this.#options;
    const { system } = this.#parts;
    const seconds = (at: number): string => `${((at - startedAt) / 1_000).toFixed(1)} s`;
    const shifted = timeline.map((fault) => ({ ...fault, atMs: fault.atMs - (performance.now() - startedAt) }));
    const faults = await playTimeline(system, shifted, {
      seed,
      onBegin: async ({ id, kind, target }) => {
        say(`#${id} ${kind} ${target}`);
        // what a process counted is lost with it
        if (kind.startsWith('process.')) await this.#metrics.scrape(system.replicas);
      },
      onEnd: ({ id, kind, begunAt, healedAt, failure }) =>
        say(
          `#${id} ${kind} healed at ${seconds(healedAt)} after ${Math.round(healedAt - begunAt)} ms${failure === undefined ? '' : `: ${failure}`}`,
        ),
    });
    await sleep(Math.max(0, startedAt + durationMs - performance.now()));
    return faults;
  }

  async #notReady(): Promise<string[]> {
    const { patienceMs } = this.#options.profile;
    const waits = this.#parts.system.replicas.map((replica) => replica.ready(patienceMs));
    const ends = await Promise.allSettled(waits);
    return ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
  }

  /** Everything asked again, then until nothing is on its way any more. */
  async #rest(): Promise<Record<string, number>> {
    const { load, stored } = this.#parts;
    await load.caller.askAgain();
    const end = performance.now() + this.#options.profile.patienceMs;
    let unfinished = await stored.unfinished();
    while (Object.keys(unfinished).length > 0 && performance.now() < end) {
      await sleep(REST_POLL_MS);
      unfinished = await stored.unfinished();
    }
    return unfinished;
  }

  async #collect(
    known: Pick<RunResult, 'before' | 'faults' | 'unfinished' | 'notReady' | 'loadMs'>,
  ): Promise<RunResult> {
    const { load, stored, system, history } = this.#parts;
    const after = await settledCensus(system);
    const queues = await stored.queues();
    const dead = queues.find(({ name }) => name === 'allocator.dead')?.messages ?? 0;
    const deadLetters = await readDeadLetters(system.warren.brokerUrl('ops'), 'allocator', dead);
    const final = await stored.read(deadLetters);
    await load.close();
    await Promise.all(system.replicas.map((replica) => replica.stop()));
    await history.close();
    return {
      ...known,
      historyFile: path.join(this.#options.folder, 'history.jsonl'),
      final,
      after,
      unsettled: load.caller.unsettled.map(({ key }) => key),
      metrics: this.#metrics,
      exits: system.replicas.flatMap(({ exits }) => exits),
      logs: system.replicas.map(reviewLogFile),
      brokerLog: readBrokerLog(system),
      blocked: this.#blocked,
    };
  }

  /** Scrapes and says how it goes, until the returned function is called. */
  #watch(): () => void {
    const { system, load, history } = this.#parts;
    const scraper = setInterval(() => void this.#metrics.scrape(system.replicas), SCRAPE_EVERY_MS);
    const status = setInterval(() => {
      const { commands, overdue, caller } = load;
      this.#options.say(
        `${commands} commands begun, ${caller.running} under way, ${overdue} overdue, ${history.written} lines of history`,
      );
    }, STATUS_EVERY_MS);
    return () => {
      clearInterval(scraper);
      clearInterval(status);
    };
  }
}

/** The log of the private broker, of all its lives. */
function readBrokerLog({ servers }: LabSystem): string {
  const folder = path.join(servers.rabbitmq.dataDir, 'home', 'log');
  const found = fs.existsSync(folder) ? folder : undefined;
  if (found === undefined) throw new Error(`the private broker has no log in ${folder}`);
  return fs
    .readdirSync(found)
    .filter((name) => name.startsWith('rabbit.log'))
    .map((name) => fs.readFileSync(path.join(found, name), 'utf8'))
    .join('\n');
}
