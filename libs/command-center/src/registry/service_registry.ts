import { type Contract, serviceOf } from '@warren/contracts';
import { AppError } from '@warren/kernel';
import { serviceSpec } from '@warren/rabbit';
import type { CommandBinding, EventBinding } from './bindings.ts';

/** `<svc>_config.ts`: the one place where a service's commands are registered. */
export interface ServiceRegistry {
  /** Prefix of the service: first word of its queues and commands. */
  readonly prefix: string;
  /** Messages that one listener works on at the same time. */
  readonly maxConcurrentTasks: number;
  /** Milliseconds after which a command is given up: its slot is freed and its transaction refused. */
  readonly commandProcessingTimeoutMs: number;
  readonly commands: readonly CommandBinding[];
  readonly events: readonly EventBinding[];
}

const MAX_TASKS = 1_000;
const MAX_TIMEOUT_MS = 120_000;

/** @throws AppError REGISTRY_INVALID for bounds that make no sense */
export function defineRegistry(input: ServiceRegistry): ServiceRegistry {
  if (
    !Number.isInteger(input.maxConcurrentTasks) ||
    input.maxConcurrentTasks < 1 ||
    input.maxConcurrentTasks > MAX_TASKS
  ) {
    throw invalid(`MAX_CONCURRENT_TASKS of ${input.prefix} must be 1 to ${MAX_TASKS}`);
  }
  const timeout = input.commandProcessingTimeoutMs;
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > MAX_TIMEOUT_MS) {
    throw invalid(`COMMAND_PROCESSING_TIMEOUT of ${input.prefix} must be 1 to ${MAX_TIMEOUT_MS} ms`);
  }
  return Object.freeze({ ...input });
}

/**
 * Compares a registry with the contracts and the topology. Every contract of the service is registered exactly once,
 * nothing else is, and every queue that is needed exists.
 * @throws AppError REGISTRY_INVALID with a sentence per problem that says what to add
 */
export function checkRegistry(registry: ServiceRegistry, contracts: readonly Contract[]): void {
  const problems = [...contractProblems(registry, contracts), ...topologyProblems(registry)];
  if (problems.length > 0) throw invalid(problems.join(' '));
}

function contractProblems(registry: ServiceRegistry, contracts: readonly Contract[]): string[] {
  const { prefix } = registry;
  const config = `apps/${serviceSpec(prefix).app}/src/${prefix}_config.ts`;
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { name } of [
    ...registry.commands,
    ...registry.events.map((entry) => ({ name: `${entry.group}/${entry.name}` })),
  ]) {
    if (seen.has(name)) problems.push(`${name} is registered twice: remove one line from ${config}.`);
    seen.add(name);
  }
  for (const { name, contract } of registry.commands) {
    if (serviceOf(name) !== prefix)
      problems.push(`${name} belongs to ${serviceOf(name)}: remove its line from ${config}.`);
    else if (!contracts.includes(contract))
      problems.push(`${name} is not in CONTRACTS of libs/contracts: add it there, or nobody can call it.`);
  }
  for (const contract of contracts) {
    if (serviceOf(contract.name) === prefix && !seen.has(contract.name)) {
      problems.push(`${contract.name} has a contract and no handler: add command(…) for it to ${config}.`);
    }
  }
  return problems;
}

function topologyProblems(registry: ServiceRegistry): string[] {
  const { prefix } = registry;
  const spec = serviceSpec(prefix);
  const problems: string[] = [];
  const contracts = registry.commands.map(({ contract }) => contract);
  const durable = contracts.filter(({ ways }) => ways.includes('command'));
  if (contracts.some(({ ways }) => ways.includes('rpc')) && !spec.rpc)
    problems.push(`${prefix} answers RPC: set rpc: true for it in rabbitmq_topology.ts.`);
  if (durable.some(({ order }) => order !== 'sequence') && !spec.commands)
    problems.push(`${prefix} takes commands: set commands: true for it in rabbitmq_topology.ts.`);
  if (durable.some(({ order }) => order === 'sequence') && spec.keyed !== true)
    problems.push(`${prefix} takes commands in sequence: set keyed: true for it in rabbitmq_topology.ts.`);
  return [...problems, ...eventProblems(registry)];
}

function eventProblems(registry: ServiceRegistry): string[] {
  const { prefix } = registry;
  const spec = serviceSpec(prefix);
  const problems: string[] = [];
  for (const { group, name } of registry.events) {
    if (spec.events[group]?.includes(name) !== true) {
      problems.push(`${prefix} handles ${name}: add it to events.${group} of ${prefix} in rabbitmq_topology.ts.`);
    }
  }
  for (const [group, names] of Object.entries(spec.events)) {
    for (const name of names) {
      if (registry.events.some((entry) => entry.group === group && entry.name === name)) continue;
      problems.push(`${prefix} receives ${name} and has no handler: add event(…) for it to ${prefix}_config.ts.`);
    }
  }
  return problems;
}

function invalid(message: string): AppError {
  return new AppError('REGISTRY_INVALID', message, { kind: 'internal' });
}
