import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkRegistry, type ServiceRegistry } from '@warren/command-center';
import { CONTRACTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';
import type { Workspace } from '../support/workspace.ts';

/**
 * What each app would say at its start about its registry. The registries are loaded from `workspace.root`, the contracts
 * are those of this process: in a copy run this file's copy.
 */
export async function registryProblems({ root }: Pick<Workspace, 'root'>): Promise<string[]> {
  const problems: string[] = [];
  for (const { prefix, app, rpc, commands, events } of SERVICES) {
    if (!rpc && !commands && Object.keys(events).length === 0) continue;
    const file = path.join(root, 'apps', app, 'src', `${prefix}_config.ts`);
    const registry = registryOf(await import(pathToFileURL(file).href));
    if (registry === undefined) {
      problems.push(`apps/${app}/src/${prefix}_config.ts exports no registry`);
      continue;
    }
    try {
      checkRegistry(registry, CONTRACTS);
    } catch (cause) {
      problems.push(cause instanceof Error ? cause.message : String(cause));
    }
  }
  return problems;
}

function registryOf(module: unknown): ServiceRegistry | undefined {
  if (typeof module !== 'object' || module === null) return undefined;
  return Object.values(module).find(
    (value): value is ServiceRegistry => typeof value === 'object' && value !== null && 'maxConcurrentTasks' in value,
  );
}
