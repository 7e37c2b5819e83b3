import type { BrokerIdentity } from '../broker_identity.ts';
import { HEADER } from '../message_headers.ts';
import { MAX_BODY_BYTES } from '../message_limits.ts';
import { checkMessage, type OutgoingMessage } from '../outgoing_message.ts';
import { deadQueue, EXCHANGE, type QueueSpec, queuesOf, SERVICES, type ServiceSpec } from '../topology.ts';
import type { DeadLetter } from './dead_letter.ts';

/** What is sent again, or the end of the sentence "letter … is left where it is: it …". */
export type ReplayCopy = { readonly copy: OutgoingMessage } | { readonly refused: string };

const OPS = 'ops';
const MAX_SHOWN = 5;
/** Written by the broker on its way through delay tiers, delivery limits and alternate exchanges. */
const BROKER_HEADER =
  /^x-(death|first-death-(queue|reason|exchange)|last-death-(queue|reason|exchange)|delivery-count|acquired-count|opt-.*)$/;
const KNOWN_HEADERS = new Set<string>(Object.values(HEADER));
/** What says for whom a message speaks, whose turn it is and which trace it belongs to; everything else told of the failure. */
const KEPT_HEADERS = [HEADER.key, HEADER.traceparent, HEADER.actor, HEADER.session, HEADER.roles];

/**
 * The message that puts a letter back into the queue it came from, through `warren.deliver`: same id, body and origin,
 * first attempt. A letter that no service and no broker of Warren can have left like this is refused.
 */
export function replayCopy(letter: DeadLetter, ops: BrokerIdentity): ReplayCopy {
  const origin = originOf(letter);
  if ('refused' in origin) return origin;
  const refused = distrust(letter, origin, ops) ?? defectOf(letter);
  if (refused !== undefined) return { refused };
  const copy: OutgoingMessage = {
    exchange: EXCHANGE.deliver,
    key: origin.queue,
    body: letter.body,
    messageId: letter.messageId,
    type: letter.properties.type ?? letter.command,
    persistent: true,
    ...(letter.properties.correlationId === undefined ? {} : { correlationId: letter.properties.correlationId }),
    headers: headersOf(letter, origin, ops),
  };
  try {
    checkMessage(copy);
    return { copy };
  } catch (cause) {
    return { refused: `cannot be published (${cause instanceof Error ? cause.message : String(cause)})` };
  }
}

interface Origin {
  readonly service: ServiceSpec;
  readonly queue: string;
  /** The service itself wrote the letter; otherwise the broker moved the message as its sender had sent it. */
  readonly ownCopy: boolean;
}

function originOf(letter: DeadLetter): Origin | { readonly refused: string } {
  const parkedFor = parkedForOf(letter);
  const service = SERVICES.find(({ prefix }) => deadQueue(prefix) === parkedFor);
  if (service !== undefined) return parkedOrigin(letter, service);
  if (letter.exchange !== EXCHANGE.deliver) return { refused: 'came by a way that no service of Warren uses' };
  // a copy on its way back to a queue that was not there
  const owner = SERVICES.find((candidate) => workQueues(candidate).includes(letter.key));
  if (owner !== undefined) return { service: owner, queue: letter.key, ownCopy: true };
  return { refused: `was meant for "${shown(letter.key)}", which is no queue of the topology` };
}

/** Name of the dead letter queue that it was parked in, or could not be parked in. */
function parkedForOf(letter: DeadLetter): string | undefined {
  if (letter.queue.endsWith('.dead')) return letter.queue;
  return letter.exchange === EXCHANGE.dead ? letter.key : undefined;
}

/** The broker's own word wins: whoever sends a message may write any header into it. */
function parkedOrigin(letter: DeadLetter, service: ServiceSpec): Origin | { readonly refused: string } {
  const queues = workQueues(service);
  const { death } = letter;
  if (death !== undefined && queues.includes(death.queue)) return { service, queue: death.queue, ownCopy: false };
  const named = letter.headers[HEADER.sourceQueue];
  if (typeof named !== 'string') return { refused: 'does not say which queue it came from' };
  if (queues.includes(named)) return { service, queue: named, ownCopy: true };
  return { refused: `claims to come from "${shown(named)}", which is no queue of ${service.prefix}` };
}

/** Queues of a service to which something can be brought back. */
function workQueues(service: ServiceSpec): readonly string[] {
  const comesBack = ({ name, bindings }: QueueSpec): boolean =>
    bindings.some(({ exchange, pattern }) => exchange === EXCHANGE.deliver && pattern === name);
  return queuesOf(service)
    .filter(comesBack)
    .map(({ name }) => name);
}

function distrust(letter: DeadLetter, origin: Origin, ops: BrokerIdentity): string | undefined {
  const { userId } = letter.properties;
  const own = [ops.userPrefix + origin.service.prefix, ops.userPrefix + OPS];
  if (origin.ownCopy && !ops.singleUser && !own.includes(userId ?? ''))
    return `was not written by ${origin.service.prefix}, but by "${shown(userId ?? 'nobody')}"`;
  const foreign = Object.keys(letter.headers).filter((name) => !KNOWN_HEADERS.has(name) && !BROKER_HEADER.test(name));
  if (foreign.length === 0) return undefined;
  const names = foreign.slice(0, MAX_SHOWN).map((name) => `"${shown(name)}"`);
  return `carries headers that no service of Warren writes: ${names.join(', ')}`;
}

function defectOf(letter: DeadLetter): string | undefined {
  if (letter.messageId === '') return 'has no message id, so that a second run could not be told from the first';
  if (letter.command === '') return 'does not say which command or event it is';
  if (letter.wholeBytes !== undefined)
    return `was parked without its end: ${letter.body.length} of ${letter.wholeBytes} bytes are left`;
  return letter.body.length > MAX_BODY_BYTES ? `has more than ${MAX_BODY_BYTES} bytes` : undefined;
}

function headersOf(letter: DeadLetter, origin: Origin, ops: BrokerIdentity): Record<string, string | number> {
  const headers: Record<string, string | number> = { [HEADER.attempt]: 1, [HEADER.replayed]: letter.replays + 1 };
  for (const name of KEPT_HEADERS) {
    const value = letter.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  if (letter.sentAt !== undefined) headers[HEADER.sentAt] = letter.sentAt;
  headers[HEADER.originUser] = senderOf(letter, origin, ops);
  return headers;
}

/** Broker user of the first sender: the header where a service that computed it wrote the letter, otherwise what the broker checked. */
function senderOf(letter: DeadLetter, origin: Origin, ops: BrokerIdentity): string {
  const { userId, appId } = letter.properties;
  const named = letter.headers[HEADER.originUser];
  const trusted =
    ops.singleUser || userId === ops.userPrefix + origin.service.prefix || userId === ops.userPrefix + OPS;
  if (trusted && typeof named === 'string') return named;
  return (ops.singleUser ? appId : userId) ?? '';
}

const shown = (value: string): string => value.slice(0, 100);
