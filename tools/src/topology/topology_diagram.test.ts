import { EXCHANGES, queuesOf, SERVICES, UNROUTABLE_QUEUE } from '@warren/rabbit';
import { expect, test } from 'vitest';
import { family, topologyDiagram } from './topology_diagram.ts';

const NODE = /^ {2}(\w+)(?:\(\["([^"]+)"\]\)|\{\{"([^"]+)"\}\}|\[\("([^"]+)"\)\])$/;
const EDGE = /^ {2}(\w+) (?:-->|-->\|"[^"]+"\||-\. [a-z ]+ \.->) (\w+)$/;

const [head, ...lines] = topologyDiagram().split('\n');
const nodes = lines.flatMap((line) => NODE.exec(line) ?? []).filter((part) => part !== undefined);

test('the diagram has a node for every exchange and queue', () => {
  const names = [...EXCHANGES, ...SERVICES.flatMap(queuesOf), UNROUTABLE_QUEUE].map(({ name }) => name);
  expect(names.filter((name) => !nodes.includes(family(name)))).toEqual([]);
});

test('the diagram is nothing but nodes and edges between them, each once', () => {
  expect(head).toBe('flowchart LR');
  expect(new Set(lines).size).toBe(lines.length);
  const edges = lines.filter((line) => !NODE.test(line));
  for (const edge of edges) {
    const [, from, to] = EDGE.exec(edge) ?? [];
    expect(nodes, edge).toEqual(expect.arrayContaining([from, to]));
  }
  const ids = lines.flatMap((line) => NODE.exec(line)?.[1] ?? []);
  expect(new Set(ids).size).toBe(ids.length);
});
