import {
  EXCHANGES,
  NOTHING,
  nodeQueueSpec,
  type QueueSpec,
  queuesOf,
  replyQueueSpec,
  SERVICES,
  UNROUTABLE_QUEUE,
  userSpecs,
} from '@warren/rabbit';

interface OwnedQueue {
  readonly owner: string;
  readonly queue: QueueSpec;
}

/** What a node is, by the first part of its id, and how Mermaid draws it. */
const SHAPES = {
  from: ['([', '])'],
  to: ['([', '])'],
  exchange: ['{{', '}}'],
  queue: ['[(', ')]'],
} as const;

/** Names that differ in their last word alone, a tier or a partition, are shown as one. */
export const family = (name: string): string => name.replace(/\.(\d+[sm]|p?\d\d)$/, '.…');

/** What is declared as a Mermaid flowchart: who publishes where, which queue gets what, who consumes. */
export function topologyDiagram(): string {
  const chart = new Flowchart();
  addPublishing(chart);
  for (const owned of ownedQueues()) addQueue(chart, owned);
  for (const { name, alternate } of EXCHANGES)
    if (alternate !== undefined) chart.edge(['exchange', name], '-. not placed .->', ['exchange', alternate]);
  return chart.text();
}

type Node = readonly [kind: keyof typeof SHAPES, name: string];

class Flowchart {
  readonly #nodes = new Map<string, string>();
  readonly #edges = new Set<string>();

  edge(from: Node, arrow: string, to: Node): void {
    this.#edges.add(`${this.#idOf(from)} ${arrow} ${this.#idOf(to)}`);
  }

  text(): string {
    return ['flowchart LR', ...[...this.#nodes.values(), ...this.#edges].map((line) => `  ${line}`)].join('\n');
  }

  #idOf([kind, name]: Node): string {
    const label = family(name);
    const id = `${kind}_${label.replace('.…', '').replaceAll('.', '_')}`;
    const [open, close] = SHAPES[kind];
    this.#nodes.set(id, `${id}${open}"${label}"${close}`);
    return id;
  }
}

function addPublishing(chart: Flowchart): void {
  for (const { prefix, topics } of userSpecs(''))
    for (const { exchange, write } of topics)
      if (write !== NOTHING) chart.edge(['from', prefix], '-->', ['exchange', exchange]);
}

function addQueue(chart: Flowchart, { owner, queue }: OwnedQueue): void {
  const { name, bindings, arguments: args } = queue;
  for (const { exchange, pattern } of bindings) {
    const key = pattern === name ? 'its name' : family(pattern);
    chart.edge(['exchange', exchange], `-->|"${key}"|`, ['queue', name]);
  }
  const letters = args['x-dead-letter-exchange'];
  const waits = 'x-message-ttl' in args && letters !== undefined;
  if (!waits) chart.edge(['queue', name], '-->', ['to', owner]);
  if (typeof letters === 'string')
    chart.edge(['queue', name], waits ? '-. after its time .->' : '-. dead letters .->', ['exchange', letters]);
}

/** Queues with who consumes them; of those that belong to one process one is shown. */
function ownedQueues(): OwnedQueue[] {
  const durable = SERVICES.flatMap((service) =>
    queuesOf(service).map((queue) => ({ owner: readerOf(queue, service.prefix), queue })),
  );
  const perProcess = SERVICES.flatMap(({ prefix: owner, calls, delivers }) => [
    ...(calls.length > 0 ? [{ owner, queue: replyQueueSpec(owner, 'instance', 1) }] : []),
    ...(delivers ? [{ owner, queue: nodeQueueSpec('instance', 1) }] : []),
  ]);
  return [...durable, ...perProcess, { owner: 'ops', queue: UNROUTABLE_QUEUE }];
}

/** Dead letters belong to their service, and are read by the operator. */
const readerOf = ({ name }: QueueSpec, prefix: string): string => (name.endsWith('.dead') ? 'ops' : prefix);
