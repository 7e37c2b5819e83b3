import type { Clone } from '../clone/clone.ts';
import { inSeconds, say } from '../output.ts';
import { SupervisedProcess } from '../processes/supervisor.ts';
import type { PlannedProcess, SystemPlan } from './system_plan.ts';

interface Member {
  readonly planned: PlannedProcess;
  readonly supervised: SupervisedProcess;
}

/** Every app and the example game server, each as a process of its own. */
export class WarrenSystem {
  readonly #members: readonly Member[];

  constructor(clone: Clone, plan: SystemPlan) {
    this.#members = [...plan.apps, plan.gameServer].map((planned) => ({
      planned,
      supervised: new SupervisedProcess(clone, planned),
    }));
  }

  /** Names of what runs. */
  get names(): string[] {
    return this.#members.map(({ planned }) => planned.name);
  }

  /** Starts everything: the apps at once, then the game server, which needs the gateway. @throws ToolError when one ends or is not ready in time */
  async start(): Promise<void> {
    await Promise.all(this.#apps().map((member) => this.#start(member)));
    for (const member of this.#gameServers()) await this.#start(member);
  }

  /** From now on whatever dies is started again. */
  keepAlive(): void {
    for (const { supervised } of this.#members) supervised.keepAlive();
  }

  /** Starts all replicas of one role anew, one after the other. */
  async restart(role: string): Promise<void> {
    for (const { planned, supervised } of this.#members) {
      if (planned.role !== role) continue;
      const begin = performance.now();
      await supervised.restart();
      say(
        `${planned.name} started anew in ${inSeconds(performance.now() - begin)} (pid ${supervised.process.pid ?? 0})`,
      );
    }
  }

  /** Ends everything: the game server while it can still take leave of the gateway, then the gateway, then what it called. */
  async stop(): Promise<void> {
    const gateways = this.#apps().filter(({ planned }) => planned.role === 'gateway');
    for (const group of [this.#gameServers(), gateways, this.#apps()]) {
      await Promise.all(group.map(({ supervised }) => supervised.stop()));
    }
  }

  async #start({ planned, supervised }: Member): Promise<void> {
    const begin = performance.now();
    await supervised.start();
    say(
      `${planned.name} is ready in ${inSeconds(performance.now() - begin)}: ${planned.url} (pid ${supervised.process.pid ?? 0})`,
    );
  }

  #apps(): Member[] {
    return this.#members.filter(({ planned }) => planned.role !== 'game-server');
  }

  #gameServers(): Member[] {
    return this.#members.filter(({ planned }) => planned.role === 'game-server');
  }
}
