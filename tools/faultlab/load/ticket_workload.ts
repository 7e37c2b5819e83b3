import { TicketReply } from '@warren/contracts';
import type { SeededRng } from '@warren/testing';
import type { Caller } from './caller.ts';
import type { Player } from './player.ts';
import type { PlayerCommands } from './player_commands.ts';
import { drawManner, keyOf, type Manners, type Workload } from './workload.ts';

export interface TicketWorkloadDeps {
  readonly players: readonly Player[];
  /** Modes that need more players than ever wait in them, so that no ticket is matched. */
  readonly modes: readonly string[];
  readonly commands: PlayerCommands;
  readonly caller: Caller;
  readonly rng: SeededRng;
  readonly manners: Manners;
}

/** Players who queue and leave again. */
export class TicketWorkload implements Workload {
  readonly name = 'tickets';
  readonly commands = 2;
  readonly #deps: TicketWorkloadDeps;
  readonly #idle: Player[];
  #count = 0;

  constructor(deps: TicketWorkloadDeps) {
    this.#deps = deps;
    this.#idle = [...deps.players];
  }

  begin(): boolean {
    const player = this.#idle.shift();
    if (player === undefined) return false;
    void this.#queueAndLeave(player).then((free) => {
      if (free) this.#idle.push(player);
    });
    return true;
  }

  /** False when a ticket may be left over: the player could not queue again, and knows it. */
  async #queueAndLeave(player: Player): Promise<boolean> {
    const { commands, caller, rng, manners, modes } = this.#deps;
    const number = ++this.#count;
    const create = commands.createTicket(player, keyOf('ticket', number), rng.pick(modes));
    const created = await caller.run(create, drawManner(rng, manners));
    if (created.type !== 'ok') return false;
    const { ticket_id: ticketId } = TicketReply.parse(created.value);
    const cancel = commands.cancelTicket(player, keyOf('cancel', number), ticketId);
    return (await caller.run(cancel, drawManner(rng, manners))).type === 'ok';
  }
}
