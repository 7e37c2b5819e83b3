import { type Json, recordOf } from '../json_document.ts';
import { lostAccess } from './access_changes.ts';
import type { ApiChange } from './api_change.ts';
import { type AsyncFacts, asyncOperations, type MessageFacts } from './asyncapi_model.ts';
import { type ErrorsBySubject, errorChanges } from './error_changes.ts';
import { named } from './openapi_changes.ts';
import { queueChanges } from './queue_changes.ts';
import { schemaChanges } from './schema_changes.ts';
import type { Direction } from './schema_misfits.ts';
import { versionChanges } from './version_changes.ts';

/** What breaks services, clients and operators when `before` becomes `after`. */
export function asyncApiChanges(before: Json, after: Json): ApiChange[] {
  const [old, now] = [asyncOperations(before), asyncOperations(after)];
  const pairs = [...old.values()].map((facts) => [facts, now.get(facts.id)] as const);
  const found = [
    ...versionChanges(recordOf(before['info'])['version'], recordOf(after['info'])['version'], 'the messages'),
    ...pairs.flatMap(([facts, next]) => (next === undefined ? goneChanges(facts, now) : changesOf(facts, next))),
    ...errorChanges(errorsOf(old), errorsOf(now)),
    ...queueChanges(before, after),
  ];
  return [...new Map(found.map((change) => [change.what, change])).values()];
}

/** Told once per command, by whoever answers it. */
const errorsOf = (operations: ReadonlyMap<string, AsyncFacts>): ErrorsBySubject =>
  new Map(
    [...operations.values()]
      .filter(({ action }) => action === 'receive')
      .map(({ id, subject, replies }) => [
        id.startsWith('receive.rpc') ? subject : id,
        new Map(replies.flatMap(({ errors }) => [...errors])),
      ]),
  );

/** Who notices that an operation is gone. */
function goneChanges(facts: AsyncFacts, now: ReadonlyMap<string, AsyncFacts>): ApiChange[] {
  const { kind, action, subject, service, title } = facts;
  const isAnswered = [...now.values()].some(
    (other) => other.subject === subject && other.kind === kind && other.action === 'receive',
  );
  if (action === 'send' && (kind === 'rpc' || kind === 'command')) {
    if (!isAnswered) return [];
    const what = `${subject}: ${service} may not send it any more`;
    return [{ names: [subject, service], what, breaks: `${service}: it is refused with ACCESS_FORBIDDEN` }];
  }
  const breaks = GONE[`${action} ${kind}`];
  return breaks === undefined
    ? []
    : [{ names: [subject], what: `${subject}: "${title}" is gone, removed or renamed`, breaks }];
}

/** By action and kind; what is not here breaks nobody. */
const GONE: Readonly<Record<string, string>> = {
  'receive rpc': 'its callers: they get COMMAND_UNKNOWN or SERVICE_UNAVAILABLE',
  'receive command': 'its senders, and messages that are on their way: they are parked',
  'send event': 'the services that hear it',
  'send push': 'those to whom it is pushed',
  'send client_event': 'clients that wait for it',
  'receive request': 'clients that ask it: they get COMMAND_UNKNOWN',
  'receive frame': 'clients that send it',
  'send frame': 'clients that wait for it',
};

/** Whether the messages of an operation are what we take or what we give; undefined where the other side says it. */
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  'receive rpc': 'taken',
  'receive command': 'taken',
  'receive event': 'taken',
  'send event': 'given',
  'send push': 'given',
  'receive request': 'taken',
  'send client_event': 'given',
  'receive frame': 'taken',
  'send frame': 'given',
  'receive dead_letter': 'given',
};

function changesOf(before: AsyncFacts, after: AsyncFacts): ApiChange[] {
  const direction = DIRECTIONS[`${before.action} ${before.kind}`];
  const isOwner = direction !== undefined && before.action === 'receive';
  return [
    ...placeChanges(before, after),
    ...(direction === undefined ? [] : messageChanges(before, before.messages, after.messages, direction)),
    ...(isOwner ? messageChanges(before, before.replies, after.replies, 'given') : []),
    ...accessChanges(before, after),
    ...limitChanges(before, after),
  ];
}

function placeChanges(before: AsyncFacts, after: AsyncFacts): ApiChange[] {
  const placeOf = ({ exchange, address }: AsyncFacts): string => (exchange === '' ? address : `${exchange} ${address}`);
  if (placeOf(before) === placeOf(after)) return [];
  return [
    {
      names: [before.subject, after.address],
      what: `${before.subject}: "${before.title}" is at ${placeOf(after)}, it was at ${placeOf(before)}`,
      breaks: 'whoever sends to or waits at the old place',
    },
  ];
}

function messageChanges(
  facts: AsyncFacts,
  before: readonly MessageFacts[],
  after: readonly MessageFacts[],
  direction: Direction,
): ApiChange[] {
  return before.flatMap((message) => {
    const next = after.find(({ id }) => id === message.id);
    if (next === undefined) {
      const what = `${facts.subject}: the message ${message.id} is gone`;
      return [{ names: [facts.subject, message.id], what, breaks: AFFECTED[direction] }];
    }
    if (message.type !== next.type) return versionChange(facts, message, next);
    return [
      ...payloadChanges(facts, [message.payload, next.payload], message.id, direction),
      ...payloadChanges(facts, [message.headers, next.headers], `headers of ${message.id}`, direction),
    ];
  });
}

const AFFECTED: Readonly<Record<Direction, string>> = {
  taken: 'those who send it as before, also messages that wait in a queue: they are refused or do another thing',
  given: 'those who read it',
};

function payloadChanges(
  { subject }: AsyncFacts,
  [before, after]: readonly [MessageFacts['payload'], MessageFacts['payload']],
  where: string,
  direction: Direction,
): ApiChange[] {
  return schemaChanges(before, after, direction).map(({ field, what }) => ({
    names: [subject, ...named(withoutFrame(field))],
    what: `${subject}: ${what} in ${where}`,
    breaks: AFFECTED[direction],
  }));
}

/** A frame and a pushed event carry the payload in a field; a changelog speaks of the payload's own fields. */
const withoutFrame = (field: string): string => field.replace(/^payload\.?/, '');

/** A service takes the version that it has and no other, so that both ways of changing it break what is on its way. */
function versionChange({ subject }: AsyncFacts, before: MessageFacts, after: MessageFacts): ApiChange[] {
  const numberOf = ({ type }: MessageFacts): number => Number(type.slice(type.indexOf('@') + 1));
  const isLower = numberOf(after) < numberOf(before);
  return [
    {
      names: [subject, after.type],
      what: `${subject}: the message is ${after.type}, it was ${before.type}`,
      breaks: isLower
        ? 'everybody: a version never goes back'
        : 'services of the old version and messages that wait in a queue: a service takes its own version alone',
    },
  ];
}

function accessChanges({ subject, title, access }: AsyncFacts, after: AsyncFacts): ApiChange[] {
  if (access === undefined || after.access === undefined) return [];
  return lostAccess([access], [after.access]).map((who) => ({
    names: [subject],
    what: `${subject}: "${title}" is not for ${who} any more`,
    breaks: `${who}: they get ACCESS_FORBIDDEN`,
  }));
}

const LIMIT_WORDS: Readonly<Record<string, string>> = { ratePerMinute: 'calls a minute', maxBytes: 'bytes of a body' };

function limitChanges({ subject, limits, idempotency }: AsyncFacts, after: AsyncFacts): ApiChange[] {
  const lowered = Object.entries(limits).flatMap(([name, value]) => {
    const now = after.limits[name] ?? value;
    if (now >= value) return [];
    const what = `${subject}: ${LIMIT_WORDS[name] ?? name} ${now}, it was ${value}`;
    return [{ names: [subject], what, breaks: 'busy callers: they are refused' }];
  });
  if (idempotency !== 'inbox' || after.idempotency === 'inbox') return lowered;
  const what = `${subject}: idempotency is ${after.idempotency}, it was inbox`;
  return [
    ...lowered,
    { names: [subject], what, breaks: 'callers that repeat it with the same key: they get no stored reply' },
  ];
}
