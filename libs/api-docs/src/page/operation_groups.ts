import type { AsyncApiDocument, AsyncOperation, OperationKind, Ref } from '../asyncapi/asyncapi_document.ts';
import { anchor } from './html.ts';

/** Everything about one command, event or frame: who sends it and who receives it. */
export interface OperationGroup {
  readonly title: string;
  readonly id: string;
  readonly operations: readonly AsyncOperation[];
}

/** A heading of the page with the groups below it. */
export interface PageSection {
  readonly heading: string;
  readonly intro: string;
  readonly groups: readonly OperationGroup[];
}

/** Kinds in the order of the page. `{who}` is who connects to the WebSocket. */
const KINDS: readonly (readonly [kind: OperationKind, heading: string, intro: string])[] = [
  ['request', 'What a {who} asks', 'One request frame, one reply frame with the same id.'],
  [
    'client_event',
    'What a {who} is told',
    'Numbered events. Acknowledge them; after a reconnect resume from the last one.',
  ],
  ['frame', 'The connection of a {who}', 'How it begins, goes on after a loss, and ends.'],
  ['rpc', 'Requests between services', 'Somebody waits for the reply. Not persistent, never parked.'],
  ['command', 'Durable commands', 'Nobody waits. Persistent, retried in tiers, then parked.'],
  ['event', 'Events between services', 'Persistent; each group of subscribers has a queue of its own.'],
  ['push', 'Events for players and game servers', 'On their way to the gateway, each for one recipient.'],
  ['dead_letter', 'Dead letters', 'What could not be worked off.'],
];
const OF_SOCKETS: readonly OperationKind[] = ['request', 'client_event', 'frame'];

/** The sections of a document: each WebSocket first, then what travels between services. */
export function sectionsOf(document: AsyncApiDocument): PageSection[] {
  const all = Object.values(document.operations);
  const sockets = Object.entries(document.channels).filter(([, channel]) => channel['x-close-codes'] !== undefined);
  const bySocket = sockets.flatMap(([id, { title }]) => {
    const who = title.replace('WebSocket of a ', '');
    const own = all.filter((operation) => lastOf(operation.channel) === id);
    return sections(
      document,
      own,
      KINDS.filter(([kind]) => OF_SOCKETS.includes(kind)),
      who,
    );
  });
  return [
    ...bySocket,
    ...sections(
      document,
      all,
      KINDS.filter(([kind]) => !OF_SOCKETS.includes(kind)),
      '',
    ),
  ];
}

function sections(
  document: AsyncApiDocument,
  operations: readonly AsyncOperation[],
  kinds: typeof KINDS,
  who: string,
): PageSection[] {
  return kinds.flatMap(([kind, heading, intro]) => {
    const groups = groupsOf(
      document,
      operations.filter((operation) => operation['x-kind'] === kind),
      who,
    );
    return groups.length === 0 ? [] : [{ heading: heading.replace('{who}', who), intro, groups }];
  });
}

function groupsOf(document: AsyncApiDocument, operations: readonly AsyncOperation[], who: string): OperationGroup[] {
  const byName = Map.groupBy(operations, (operation) => nameOf(document, operation));
  return [...byName].flatMap(([title, some]) => {
    const kind = some[0]?.['x-kind'] ?? '';
    return [{ title, id: anchor(kind, who, title), operations: some }];
  });
}

/** What a client calls it, or what the services call it. */
function nameOf({ components }: AsyncApiDocument, operation: AsyncOperation): string {
  const { messages, title, 'x-kind': kind, 'x-subject': subject } = operation;
  const [message] = messages;
  const isClients = kind === 'request' || kind === 'client_event';
  if (isClients && message !== undefined) return components.messages[lastOf(message)]?.title ?? title;
  return subject ?? title;
}

/** Ids of the messages of a group, each once. What takes every pushed event shows none: each stands with its sender. */
export function messagesOf({ operations }: OperationGroup): string[] {
  const shown = operations.filter((operation) => operation['x-kind'] !== 'push' || operation.action === 'send');
  const refs = shown.flatMap(({ messages, reply }) => [...messages, ...(reply?.messages ?? [])]);
  return [...new Set(refs.map(lastOf))];
}

/** `auth.register` of `#/channels/queue.auth.rpc/messages/auth.register`. */
export const lastOf = ({ $ref }: Ref): string => $ref.slice($ref.lastIndexOf('/') + 1);
