import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerConfirmChannel } from '../broker_port.ts';
import { UNROUTABLE_QUEUE } from '../topology.ts';
import type { DeadLetter } from './dead_letter.ts';
import type { LetterDesk } from './letter_desk.ts';
import { lettersIn, passOver, sentenceOf } from './letter_pass.ts';
import { replayCopy } from './replay_copy.ts';
import type { RefusedLetter, ReplayOptions, ReplayReport } from './replay_report.ts';
import { ReplayTargets } from './replay_targets.ts';

/** The broker takes back what one consumer has held for 30 minutes. */
const MAX_PASS_MS = 20 * 60_000;
const LATE = `Stopped after ${MAX_PASS_MS / 60_000} minutes: run it again for the rest.`;
/** How long a stray may take from our hands back into the queue. */
const RETURN_MS = 1_000;
const MAX_REFUSALS = 1_000;

/**
 * Puts the letters that match back where they came from, one after the other: the copy is published and confirmed, then
 * the letter is acked on the same channel, then comes the next. A process that dies at any point leaves every letter
 * either replayed or in its queue; only the one under way may be both, and the inbox makes its effect single. Letters
 * that come in during the replay, also those that failed again, stay.
 */
export async function replayLetters(desk: LetterDesk, queue: string, options: ReplayOptions): Promise<ReplayReport> {
  return new ReplayRun(desk, queue, options).run(await lettersIn(desk, queue));
}

class ReplayRun {
  readonly #desk: LetterDesk;
  readonly #queue: string;
  readonly #options: ReplayOptions;
  readonly #ends = performance.now() + MAX_PASS_MS;
  readonly #targets: ReplayTargets;
  #refusals: RefusedLetter[] = [];
  #refused = 0;
  #replayed = 0;
  #stopped: string | undefined;

  constructor(desk: LetterDesk, queue: string, options: ReplayOptions) {
    this.#desk = desk;
    this.#queue = queue;
    this.#options = options;
    this.#targets = new ReplayTargets(desk, queue);
  }

  async run(letters: number): Promise<ReplayReport> {
    try {
      await this.#rounds(letters);
      await this.#countReturned(letters);
    } catch (cause) {
      this.#stopped = sentenceOf(cause, this.#queue);
    }
    if (this.#options.signal.aborted) this.#stopped ??= 'Interrupted.';
    return {
      letters,
      replayed: this.#replayed,
      refused: this.#refused,
      refusals: this.#refusals,
      stopped: this.#stopped,
    };
  }

  /** More than one round only where the bodies do not fit into memory together. */
  async #rounds(letters: number): Promise<void> {
    while (letters > this.#replayed && !this.#finished()) {
      const before = this.#replayed;
      const deferred = await this.#round(letters);
      if (deferred === 0) return;
      if (this.#options.dryRun)
        this.#stopped ??= `Letters that do not fit into memory together were not looked at: ${deferred}.`;
      if (this.#replayed === before)
        this.#stopped ??= `The letters at the head of ${this.#queue} cannot be replayed and hide the rest: drop them first.`;
    }
  }

  #finished(): boolean {
    const { signal, limit } = this.#options;
    return signal.aborted || this.#stopped !== undefined || this.#replayed >= limit;
  }

  /** Resolves to the number of letters that another round has to take. What an earlier one left is refused anew. */
  #round(letters: number): Promise<number> {
    const { matches, onProgress } = this.#options;
    this.#refusals = [];
    this.#refused = 0;
    const sort = (letter: DeadLetter): 'take' | 'pass' => (matches(letter) ? 'take' : 'pass');
    const options = { queue: this.#queue, expected: letters - this.#replayed, sort };
    return passOver(this.#desk, options, async (round, channel) => {
      while (!this.#finished()) {
        const letter = round.next();
        if (letter === undefined) break;
        const why = await this.#replay(letter, channel);
        if (why === undefined) {
          if (!this.#options.dryRun) round.remove();
          this.#replayed++;
        } else this.#refuse(letter, why);
        onProgress({ replayed: this.#replayed, refused: this.#refused, letters });
        if (performance.now() > this.#ends) this.#stopped ??= LATE;
      }
      return round.deferred;
    });
  }

  /** Why the letter stays; undefined when the broker has its copy. */
  async #replay(letter: DeadLetter, channel: BrokerConfirmChannel): Promise<string | undefined> {
    const why = this.#options.refuse(letter);
    if (why !== undefined) return why;
    const made = replayCopy(letter, this.#desk.identity);
    if ('refused' in made) return made.refused;
    const { copy } = made;
    const shut = await this.#targets.whyShut(copy.key);
    if (shut !== undefined || this.#options.dryRun) return shut;
    const sent = await this.#targets.send(channel, copy);
    if (sent === 'taken') return undefined;
    if (sent !== 'full') return sent.shut;
    this.#stopped = `${copy.key} is full: its letters stay until its service has worked it off.`;
    return 'found its queue full';
  }

  /** What comes out of the queue of the unroutable may end in it again; in our own hands it is not counted. */
  async #countReturned(letters: number): Promise<void> {
    if (this.#queue !== UNROUTABLE_QUEUE.name || this.#options.dryRun || this.#replayed === 0) return;
    // what was in our hands is put back a moment after the channel was closed
    await delay(RETURN_MS);
    const again = (await this.#targets.countUnroutable()) - (letters - this.#replayed);
    if (again > 0) this.#stopped ??= `Messages that became unroutable meanwhile, perhaps again: ${again}.`;
  }

  #refuse({ messageId, command }: DeadLetter, why: string): void {
    this.#refused++;
    if (this.#refusals.length < MAX_REFUSALS) this.#refusals.push({ messageId, command, why });
  }
}
