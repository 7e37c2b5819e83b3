import {
  EXCHANGES,
  NOTHING,
  POLICIES,
  type QueueSpec,
  queuesOf,
  SERVICES,
  UNROUTABLE_QUEUE,
  userSpecs,
} from '@warren/rabbit';
import { code, section, table } from '../documents/markdown.ts';
import { family, topologyDiagram } from './topology_diagram.ts';

const HEADING = `# Topology

Generated from \`rabbitmq_topology.ts\` and \`libs/rabbit/src/permissions.ts\` by \`tools/src/generate_topology.ts\`. Change these, then run
\`npm run check -- --fix\`. What the parts are for: [messaging.md](messaging.md). How it is compared with a broker: [operations.md](operations.md#topology).
`;
const DIAGRAM_INTRO = `Left who publishes, right who consumes. \`…\` stands for each delay tier or each partition; \`instance.1\` for one process. Services publish as their own broker
user; \`ops\` is the operator. \`npm run warren -- topology diagram\` prints it.`;
const QUEUES_INTRO = `Declared and bound by their owner; those of set-up by \`warren setup\`. Queues of one process (\`rpc.<user>.<instance>.<epoch>\`, \`gateway.node.<instance>.<epoch>\`) are
exclusive, and stand only in the diagram.`;
const RIGHTS_INTRO = `Regular expressions over names of exchanges and queues. A user with rights to publish to or bind an exchange is limited to the keys below.`;
const KEYS_INTRO = `Regular expressions over routing keys and binding keys. What is not in the table is shut.`;

interface OwnedQueue {
  readonly owner: string;
  readonly queue: QueueSpec;
}

/** docs/topology.md */
export function topologyPage(): string {
  const queues: OwnedQueue[] = [
    ...SERVICES.flatMap((service) => queuesOf(service).map((queue) => ({ owner: service.prefix, queue }))),
    { owner: 'set-up', queue: UNROUTABLE_QUEUE },
  ];
  const diagram = ['```mermaid', topologyDiagram(), '```'].join('\n');
  return [
    HEADING,
    section('Diagram', DIAGRAM_INTRO, diagram),
    section('Exchanges', 'All of them are durable, and declared by set-up.', exchangeTable()),
    section('Queues', QUEUES_INTRO, queueTable(queues)),
    section('Bindings', 'Each queue has what its owner binds.', bindingTable(queues)),
    section('Policies', 'They can be changed at any time, unlike arguments.', policyTable()),
    section('Who may name what', RIGHTS_INTRO, rightsTable()),
    section('Who may use which keys', KEYS_INTRO, keysTable()),
  ].join('');
}

const exchangeTable = (): string =>
  table(
    ['exchange', 'type', 'what it cannot place goes to'],
    EXCHANGES.map(({ name, type, alternate }) => [code(name), type, alternate === undefined ? '' : code(alternate)]),
  );

/** Partitions are alike; delay tiers are not. */
const partitions = (name: string): string => name.replace(/\.(p?\d\d)$/, '.…');

const queueTable = (queues: readonly OwnedQueue[]): string =>
  table(
    ['queue', 'owner', 'arguments'],
    once(queues.map(({ owner, queue }) => [code(partitions(queue.name)), owner, pairs(queue.arguments)])),
  );

const bindingTable = (queues: readonly OwnedQueue[]): string =>
  table(
    ['exchange', 'key', 'queue'],
    once(
      queues
        .flatMap(({ queue }) => queue.bindings.map(({ exchange, pattern }) => [exchange, pattern, queue.name]))
        .map((row) => row.map((name) => code(family(name)))),
    ),
  );

const policyTable = (): string =>
  table(
    ['policy', 'queues', 'sets'],
    POLICIES.map(({ name, pattern, definition }) => [code(name), code(pattern), pairs(definition)]),
  );

const rightsTable = (): string =>
  table(
    ['user', 'configure', 'write', 'read'],
    userSpecs('').map(({ prefix, configure, write, read }) => [prefix, code(configure), code(write), code(read)]),
  );

function keysTable(): string {
  const rows = userSpecs('').flatMap(({ prefix, topics }) =>
    topics
      .filter(({ write, read }) => write !== NOTHING || read !== NOTHING)
      .map(({ exchange, write, read }) => [prefix, code(family(exchange)), pattern(write), pattern(read)]),
  );
  return table(['user', 'exchange', 'may publish', 'may bind'], once(rows));
}

/** Rows that are the same are one. */
const once = (rows: readonly (readonly string[])[]): string[][] => [
  ...new Map(rows.map((row) => [row.join('|'), [...row]])).values(),
];

const pattern = (text: string): string => (text === NOTHING ? '' : code(text));

const pairs = (facts: QueueSpec['arguments']): string =>
  Object.entries(facts)
    .map(([name, value]) => code(`${name}=${value}`))
    .join(' ');
