import type { Options } from 'amqplib';
import { argumentsOf } from './arguments_of.ts';
import { Refusal } from './refusal.ts';

/** A queue as it was declared. */
export interface QueueSettings {
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly type: 'classic' | 'quorum';
  readonly messageTtlMs: number | undefined;
  readonly expiresMs: number | undefined;
  readonly maxLength: number | undefined;
  readonly overflow: 'drop-head' | 'reject-publish';
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterKey: string | undefined;
  /** A dead letter leaves only when its target has it. */
  readonly deadLetterSafely: boolean;
  readonly deliveryLimit: number | undefined;
  readonly singleActive: boolean;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Arguments that RabbitMQ compares when a queue is declared again; it ignores those that it does not know. */
const COMPARED = [
  'x-queue-type',
  'x-message-ttl',
  'x-expires',
  'x-max-length',
  'x-overflow',
  'x-dead-letter-exchange',
  'x-dead-letter-routing-key',
  'x-dead-letter-strategy',
  'x-single-active-consumer',
];

/** @throws Refusal 406 for values that do not fit */
export function queueSettings(name: string, options: Options.AssertQueue, vhost: string): QueueSettings {
  const args = allArguments(options);
  const at = `for queue '${name}' in vhost '${vhost}'`;
  const count = (key: string): number | undefined => {
    const value = args[key];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new Refusal(406, `invalid arg '${key}' ${at}: ${JSON.stringify(value)}`);
  };
  const text = (key: string): string | undefined => {
    const value = args[key];
    if (value === undefined || typeof value === 'string') return value;
    throw new Refusal(406, `invalid arg '${key}' ${at}: ${JSON.stringify(value)}`);
  };
  const settings: QueueSettings = {
    name,
    durable: options.durable ?? true,
    exclusive: options.exclusive ?? false,
    autoDelete: options.autoDelete ?? false,
    type: text('x-queue-type') === 'quorum' ? 'quorum' : 'classic',
    messageTtlMs: count('x-message-ttl'),
    expiresMs: count('x-expires'),
    maxLength: count('x-max-length'),
    overflow: text('x-overflow') === 'reject-publish' ? 'reject-publish' : 'drop-head',
    deadLetterExchange: text('x-dead-letter-exchange'),
    deadLetterKey: text('x-dead-letter-routing-key'),
    deadLetterSafely: text('x-dead-letter-strategy') === 'at-least-once',
    deliveryLimit: count('x-delivery-limit'),
    singleActive: args['x-single-active-consumer'] === true,
    arguments: args,
  };
  checkTogether(settings, at);
  return settings;
}

function allArguments(options: Options.AssertQueue): Readonly<Record<string, unknown>> {
  const named = {
    'x-message-ttl': options.messageTtl,
    'x-expires': options.expires,
    'x-max-length': options.maxLength,
    'x-overflow': options.overflow,
    'x-dead-letter-exchange': options.deadLetterExchange,
    'x-dead-letter-routing-key': options.deadLetterRoutingKey,
  };
  return { ...argumentsOf(options), ...definedOf(named) };
}

const definedOf = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

function checkTogether(settings: QueueSettings, at: string): void {
  const { type, durable, exclusive, autoDelete, deadLetterKey, deadLetterExchange, expiresMs } = settings;
  const isQuorum = type === 'quorum';
  if (isQuorum && (!durable || exclusive || autoDelete))
    throw new Refusal(406, `invalid property ${at}: a quorum queue is durable, and neither exclusive nor auto-delete`);
  if (deadLetterKey !== undefined && deadLetterExchange === undefined)
    throw new Refusal(406, `invalid arg 'x-dead-letter-routing-key' ${at}: routing_key_but_no_dlx_defined`);
  if (expiresMs === 0) throw new Refusal(406, `invalid arg 'x-expires' ${at}: {value_zero,0}`);
}

const shown = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : `'${JSON.stringify(value)}'`);

/** @throws Refusal 406 that names the first difference */
export function checkSame(current: QueueSettings, wanted: QueueSettings, vhost: string): void {
  const differs = (key: string, received: unknown, is: unknown): void => {
    if (received === is) return;
    throw new Refusal(
      406,
      `inequivalent arg '${key}' for queue '${current.name}' in vhost '${vhost}': received ${shown(received)} but ` +
        `current is ${shown(is)}`,
    );
  };
  differs('durable', wanted.durable, current.durable);
  differs('auto_delete', wanted.autoDelete, current.autoDelete);
  for (const key of COMPARED) differs(key, wanted.arguments[key], current.arguments[key]);
}
