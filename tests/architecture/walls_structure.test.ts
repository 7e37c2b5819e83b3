import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { STRUCTURE_WALLS } from './support/structure_walls.ts';
import { readWorkspace, type Workspace } from './support/workspace.ts';
import { WorkspaceCopy } from './support/workspace_copy.ts';

const LIMIT_MS = 60_000;
const REGISTRY = 'apps/coordinator/src/coordinator_config.ts';
const REGISTERED = 'command(CREATE_TICKET, COORDINATION.createTicket),';
const TOPOLOGY = 'rabbitmq_topology.ts';
/** In a process of its own, because modules of the copy are other modules than those of this process. */
const PRINT_REGISTRY_PROBLEMS = `
  import { registryProblems } from './tests/architecture/rules/registries.ts';
  console.log(JSON.stringify(await registryProblems({ root: process.cwd() })));
`;

let copy: WorkspaceCopy;
let clean: Workspace;
beforeAll(() => {
  copy = new WorkspaceCopy();
  clean = readWorkspace(copy.root);
}, LIMIT_MS);
afterEach(() => copy.restore());
afterAll(() => copy[Symbol.dispose]());

test('a clean copy breaks no rule of the structure', { timeout: LIMIT_MS }, () => {
  const rules = new Set(Object.values(STRUCTURE_WALLS).map(({ rule }) => rule));
  expect([...rules].flatMap((rule) => rule(clean))).toEqual([]);
});

test.for(Object.entries(STRUCTURE_WALLS))('%s is refused by name', { timeout: LIMIT_MS }, ([, wall]) => {
  if (wall.old === undefined) copy.write(wall.file, wall.text);
  else copy.replace(wall.file, wall.old, wall.text);
  const problems = wall.rule(readWorkspace(copy.root, clean));
  expect(
    problems.filter((problem) => problem.startsWith(wall.says)),
    problems.join('\n'),
  ).toHaveLength(1);
});

test('registries of a clean copy agree with contracts and topology', { timeout: LIMIT_MS }, async () => {
  expect(await registryProblemsOfCopy()).toEqual([]);
});

test.for([
  [
    'a command without a handler',
    REGISTRY,
    REGISTERED,
    '',
    'coordinator.create_ticket has a contract and no handler: add command(…) for it to apps/coordinator/src/coordinator_config.ts.',
  ],
  [
    'a command registered twice',
    REGISTRY,
    REGISTERED,
    `${REGISTERED} ${REGISTERED}`,
    'coordinator.create_ticket is registered twice: remove one line from apps/coordinator/src/coordinator_config.ts.',
  ],
  [
    'a queue that the topology lacks',
    TOPOLOGY,
    "prefix: 'coordinator',\n    app: 'coordinator',\n    rpc: true",
    "prefix: 'coordinator',\n    app: 'coordinator',\n    rpc: false",
    'coordinator answers RPC: set rpc: true for it in rabbitmq_topology.ts.',
  ],
  [
    'an event without a handler',
    TOPOLOGY,
    "leases: ['allocator.lease_lost']",
    "leases: ['allocator.lease_lost', 'allocator.game_released']",
    'coordinator receives allocator.game_released and has no handler: add event(…) for it to coordinator_config.ts.',
  ],
] as const)(
  '%s is refused with a sentence that says what to do',
  { timeout: LIMIT_MS },
  async ([, file, old, text, sentence]) => {
    copy.replace(file, old, text);
    expect(await registryProblemsOfCopy()).toEqual([sentence]);
  },
);

async function registryProblemsOfCopy(): Promise<unknown> {
  const { stdout, stderr } = await copy.run('node', ['--input-type=module', '--eval', PRINT_REGISTRY_PROBLEMS]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}
