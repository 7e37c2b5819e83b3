import type { Clone } from '../clone/clone.ts';
import { say } from '../output.ts';
import { DependencyMap } from '../system/dependency_map.ts';
import { watchSources } from '../system/watch_sources.ts';
import { sentenceOf } from '../tool_error.ts';
import { printPlaces, type RunningSystem, runSystem } from './run_system.ts';

/** Several files are often saved at once. */
const DEBOUNCE_MS = 250;

/** Restarts the apps that use a changed file, one round after the other; changes meanwhile make up the next round. */
class Restarter {
  readonly #running: RunningSystem;
  readonly #map: DependencyMap;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(running: RunningSystem, map: DependencyMap) {
    this.#running = running;
    this.#map = map;
  }

  onChange(file: string): void {
    this.#changed.add(file);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#round = this.#round.then(() => this.#restart());
    }, DEBOUNCE_MS);
  }

  async #restart(): Promise<void> {
    const files = [...this.#changed];
    this.#changed.clear();
    const roles = this.#map.rolesUsing(files);
    if (roles.length === 0) return;
    say(
      `changed: ${files.slice(0, 3).join(', ')}${files.length > 3 ? ` and ${files.length - 3} more` : ''}; restarting ${roles.join(', ')}`,
    );
    for (const role of roles) {
      try {
        await this.#running.system.restart(role);
      } catch (error) {
        say(`${role}: ${sentenceOf(error)}`);
      }
    }
  }
}

/** `npm run dev`. */
export async function dev(clone: Clone): Promise<number> {
  await runSystem(clone, async (running) => {
    running.system.keepAlive();
    printPlaces(running);
    const restarter = new Restarter(running, DependencyMap.read(clone.root));
    const watching = watchSources(clone.root, (file) => restarter.onChange(file));
    say('watching apps, libs and examples; Ctrl-C stops everything that was started here');
    try {
      await running.interrupt.pressed;
    } finally {
      watching.close();
    }
  });
  return 0;
}
