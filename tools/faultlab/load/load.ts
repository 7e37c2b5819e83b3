import { SeededRng } from '@warren/testing';
import type { HistoryWriter } from '../history/history.ts';
import type { Profile } from '../profiles.ts';
import type { LabSystem } from '../system/lab_system.ts';
import { AccountWorkload } from './account_workload.ts';
import { Caller } from './caller.ts';
import { CoordinatorClient } from './coordinator_client.ts';
import { FLEET, FleetServer } from './fleet_server.ts';
import { GameWorkload } from './game_workload.ts';
import { HttpClient } from './http_client.ts';
import { OpenLoop } from './open_loop.ts';
import { type Player, signUpPlayers } from './player.ts';
import { PlayerCommands } from './player_commands.ts';
import { TicketWorkload } from './ticket_workload.ts';

export interface LoadOptions {
  readonly system: LabSystem;
  readonly profile: Profile;
  readonly seed: number;
  readonly history: HistoryWriter;
  /** Modes in which no match ever comes about. */
  readonly modes: readonly string[];
}

interface Parts {
  readonly caller: Caller;
  readonly coordinator: CoordinatorClient;
  readonly fleet: readonly FleetServer[];
  readonly http: HttpClient;
  readonly players: readonly Player[];
}

const CAPACITY = 1_000;
const POISON_EVERY_MS = 10_000;
const WAIT_POLL_MS = 100;
const PATIENT = { doubled: false, impatient: false } as const;

/** Players, a coordinator and game servers that keep the system busy. */
export class Load {
  readonly caller: Caller;
  readonly coordinator: CoordinatorClient;
  readonly #parts: Parts;
  readonly #loop: OpenLoop;
  #poisonTimer: NodeJS.Timeout | undefined;
  #poison = 0;

  private constructor(parts: Parts, options: LoadOptions) {
    this.#parts = parts;
    this.caller = parts.caller;
    this.coordinator = parts.coordinator;
    this.#loop = loopOf(parts, options);
  }

  /** Signs players up and puts game servers into the directory. */
  static async prepare(options: LoadOptions): Promise<Load> {
    const { system, profile, history, seed } = options;
    const { gatewayUrls, warren } = system;
    const pauses = new SeededRng(seed).fork('pauses');
    const caller = new Caller({ history, random: () => pauses.next(), patienceMs: profile.patienceMs });
    const players = await signUpPlayers(gatewayUrls, profile.players);
    const coordinator = await CoordinatorClient.open(warren.brokerUrl('coordinator'));
    const fleet = FLEET.map((instanceId, index) => {
      const gatewayUrl = gatewayUrls[index % gatewayUrls.length] ?? '';
      return new FleetServer({ gatewayUrl, serverKey: warren.serverKey, instanceId, capacity: CAPACITY });
    });
    await Promise.all(fleet.map((server) => server.start()));
    return new Load({ caller, coordinator, fleet, http: new HttpClient(), players }, options);
  }

  get commands(): number {
    return this.#loop.begun;
  }

  get overdue(): number {
    return this.#loop.overdue;
  }

  start(): void {
    this.#loop.start();
    this.#poisonTimer = setInterval(() => {
      const call = this.coordinator.poison(`poison-${++this.#poison}`);
      void this.caller.run(call, PATIENT);
    }, POISON_EVERY_MS);
  }

  /** Begins nothing new and waits until everything that was begun is known. */
  async finish(): Promise<void> {
    clearInterval(this.#poisonTimer);
    this.#loop.stop();
    this.caller.finish();
    while (this.caller.running > 0) await new Promise((resolve) => setTimeout(resolve, WAIT_POLL_MS));
  }

  async close(): Promise<void> {
    const { fleet, http, coordinator } = this.#parts;
    await Promise.all(fleet.map((server) => server.stop()));
    await coordinator.close();
    http.close();
  }
}

function loopOf({ caller, coordinator, fleet, http, players }: Parts, options: LoadOptions): OpenLoop {
  const { profile, seed, modes, system } = options;
  const rng = new SeededRng(seed);
  const manners = { doubled: profile.doubled, impatient: profile.impatient };
  const commands = new PlayerCommands({ http, gatewayUrls: system.gatewayUrls });
  const common = { caller, manners };
  const accounts = new AccountWorkload({ ...common, players, commands, rng: rng.fork('accounts') });
  const tickets = new TicketWorkload({ ...common, players, modes, commands, rng: rng.fork('tickets') });
  const { forgotten } = profile;
  const games = new GameWorkload({ ...common, coordinator, fleet, forgotten, rng: rng.fork('games') });
  const { shares } = profile;
  return new OpenLoop(
    [
      { workload: accounts, share: shares.accounts },
      { workload: tickets, share: shares.tickets },
      { workload: games, share: shares.games },
    ],
    profile.commandsPerSecond,
  );
}
