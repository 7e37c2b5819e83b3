import { type FaultProxy, faultProxy } from '@warren/testing';
import type { ServerName } from './lab_servers.ts';

type EdgeServer = ServerName | 'http';

/** One way over the network: from a replica to one of its servers, or from the players to a gateway. */
export interface Edge {
  /** `auth-0:postgres`, `players:gateway-1`. */
  readonly id: string;
  readonly server: EdgeServer;
  readonly proxy: FaultProxy;
}

export interface EdgePlan {
  readonly id: string;
  readonly server: EdgeServer;
  readonly port: number;
}

/** Every way over the network has a proxy of its own, whose faults can be switched while traffic runs. */
export class Edges {
  readonly all: readonly Edge[];

  private constructor(all: readonly Edge[]) {
    this.all = all;
  }

  static async open(plans: readonly EdgePlan[], random: () => number): Promise<Edges> {
    const all: Edge[] = [];
    for (const { id, server, port } of plans) {
      all.push({ id, server, proxy: await faultProxy({ target: { host: '127.0.0.1', port }, random }) });
    }
    return new Edges(all);
  }

  /** @throws Error when there is no such edge */
  proxyOf(id: string): FaultProxy {
    const found = this.all.find((edge) => edge.id === id);
    if (found === undefined) throw new Error(`there is no edge ${id}`);
    return found.proxy;
  }

  async heal(): Promise<void> {
    for (const { proxy } of this.all) await proxy.heal();
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(({ proxy }) => proxy.close()));
  }
}
