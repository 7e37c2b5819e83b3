import type { SeededRng } from '@warren/testing';
import type { Caller } from './caller.ts';
import type { Player } from './player.ts';
import type { PlayerCommands } from './player_commands.ts';
import { drawManner, keyOf, type Manners, type Workload } from './workload.ts';

export interface AccountWorkloadDeps {
  readonly players: readonly Player[];
  readonly commands: PlayerCommands;
  readonly caller: Caller;
  readonly rng: SeededRng;
  readonly manners: Manners;
}

/** Players who change their names. Each does one thing after the other, so that the order of the effects can be checked. */
export class AccountWorkload implements Workload {
  readonly name = 'accounts';
  readonly commands = 1;
  readonly #deps: AccountWorkloadDeps;
  readonly #idle: Player[];
  #count = 0;

  constructor(deps: AccountWorkloadDeps) {
    this.#deps = deps;
    this.#idle = [...deps.players];
  }

  begin(): boolean {
    const player = this.#idle.shift();
    if (player === undefined) return false;
    const { commands, caller, rng, manners } = this.#deps;
    const call = commands.updateAccount(player, keyOf('name', ++this.#count));
    void caller.run(call, drawManner(rng, manners)).then(() => this.#idle.push(player));
    return true;
  }
}
