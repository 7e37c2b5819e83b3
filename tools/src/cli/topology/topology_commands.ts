import { importDefinitions, unwrapAdminResult } from '@warren/provision';
import type { Command } from 'commander';
import type { Clone } from '../../clone/clone.ts';
import { sayPlain } from '../../output.ts';
import { pick } from '../../topology/broker_items.ts';
import { topologyDiagram } from '../../topology/topology_diagram.ts';
import { ComparedBroker } from './compared_broker.ts';
import { printDrift } from './print_drift.ts';

type Finish = (code: number) => void;

const DRIFT = 2;

/** Adds `warren topology …`. `finish` is told the exit code. */
export function addTopologyCommands(program: Command, clone: Clone, finish: Finish): void {
  const topology = program
    .command('topology')
    .description('what rabbitmq_topology.ts declares, and what the broker has of it');
  topology
    .command('plan')
    .description('compare: + is missing, ~ is different, - is unknown; exit code 2 when there is any')
    .action(async () => finish(await plan(clone)));
  topology
    .command('apply')
    .description('create what is missing; what is different or unknown stays as it is')
    .action(async () => finish(await apply(clone)));
  topology
    .command('diagram')
    .description('print what is declared as a Mermaid diagram')
    .action(() => sayPlain(topologyDiagram()));
}

async function plan(clone: Clone): Promise<number> {
  const broker = new ComparedBroker(clone);
  const changes = await broker.drift();
  printDrift(broker.vhost, changes, false);
  return changes.length === 0 ? 0 : DRIFT;
}

async function apply(clone: Clone): Promise<number> {
  const broker = new ComparedBroker(clone);
  const before = await broker.drift();
  const missing = new Set(before.filter(({ kind }) => kind === 'missing').map(({ item }) => item.name));
  if (missing.size > 0) unwrapAdminResult(await importDefinitions(broker.admin, pick(broker.declared, missing)));
  const after = missing.size > 0 ? await broker.drift() : before;
  const rest = new Set(after.map(({ item }) => item.name));
  for (const name of missing) if (!rest.has(name)) sayPlain(`created ${name}`);
  printDrift(broker.vhost, after, true);
  return after.length === 0 ? 0 : DRIFT;
}
