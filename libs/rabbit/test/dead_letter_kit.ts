import { importIntoVhost, type TempVhost, tempVhost } from '@warren/testing';
import { type Channel, type ConsumeMessage, connect, type Options } from 'amqplib';
import {
  brokerDefinitions,
  brokerPrefixes,
  type DeadLetter,
  DeadLetterOffice,
  declareServiceTopology,
  EXCHANGE,
  HEADER,
} from '../src/index.ts';
import { Kit, until } from './kit.ts';

const PASSWORD = 'a-password-for-tests';

/** What a service writes on a letter that it parks. */
export interface Parked {
  readonly id: string;
  readonly source?: string;
  readonly command?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly body?: string;
  /** Properties and headers beside or instead of the usual ones. */
  readonly options?: Options.Publish;
}

/** A vhost with the users and rights of a real one, the queues of the services, and who parks letters in it. */
export class DeadLetterKit {
  readonly vhost: TempVhost;
  readonly kit: Kit;

  private constructor(vhost: TempVhost) {
    this.vhost = vhost;
    this.kit = new Kit(vhost.url);
    this.kit.defer(() => vhost.drop());
  }

  static async open(services: readonly string[] = ['allocator', 'coordinator']): Promise<DeadLetterKit> {
    const opened = new DeadLetterKit(await tempVhost());
    const { vhost } = opened;
    const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'replaced by importIntoVhost']));
    const definitions = brokerDefinitions({ vhost: vhost.name, userPrefix: vhost.userPrefix, passwords });
    await importIntoVhost(vhost, {
      ...definitions,
      users: definitions.users.map(({ name }) => ({ name, password: PASSWORD })),
    });
    for (const prefix of services) await opened.declare(prefix);
    return opened;
  }

  /** What a service does at its start. */
  async declare(prefix: string): Promise<void> {
    await declareServiceTopology(await this.kit.link('consume', this.urlOf(prefix)), prefix);
  }

  userOf(prefix: string): string {
    return this.vhost.userPrefix + prefix;
  }

  urlOf(prefix: string): string {
    return this.vhost.urlFor(this.userOf(prefix), PASSWORD);
  }

  /** A raw channel as the owner of the vhost, or as one user. */
  async channel(prefix?: string): Promise<Channel> {
    const connection = await connect(prefix === undefined ? this.vhost.url : this.urlOf(prefix), { noDelay: true });
    connection.on('error', () => undefined);
    this.kit.defer(() => connection.close().catch(() => undefined));
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    return channel;
  }

  async office(): Promise<DeadLetterOffice> {
    const office = await DeadLetterOffice.open(this.urlOf('ops'));
    this.kit.defer(() => office.close());
    return office;
  }

  /** Parks letters as the service itself, in this order. */
  async park(letters: readonly Parked[], prefix = 'allocator'): Promise<void> {
    const connection = await connect(this.urlOf(prefix), { noDelay: true });
    const channel = await connection.createConfirmChannel();
    for (const letter of letters) {
      const body = Buffer.from(letter.body ?? JSON.stringify({ id: letter.id }));
      channel.publish(EXCHANGE.dead, `${prefix}.dead`, body, this.#optionsOf(letter, prefix));
    }
    await channel.waitForConfirms();
    await connection.close();
  }

  close(): Promise<void> {
    return this.kit.close();
  }

  #optionsOf(letter: Parked, prefix: string): Options.Publish {
    const command = letter.command ?? 'allocator.assign_game';
    return {
      persistent: true,
      mandatory: true,
      contentType: 'application/json',
      messageId: letter.id,
      type: `${command}@1`,
      timestamp: Math.floor(Date.now() / 1_000),
      userId: this.userOf(prefix),
      ...letter.options,
      headers: {
        [HEADER.attempt]: 6,
        [HEADER.reason]: letter.reason ?? 'retries_exhausted',
        [HEADER.errorCode]: letter.code ?? 'SERVICE_UNAVAILABLE',
        [HEADER.errorMessage]: 'Not now.',
        [HEADER.sourceQueue]: letter.source ?? `${prefix}.commands`,
        [HEADER.originUser]: this.userOf('coordinator'),
        ...(letter.options?.headers as Record<string, unknown> | undefined),
      },
    };
  }
}

/** A query that means every letter. */
export const EVERY = {
  matches: () => true,
  limit: Number.MAX_SAFE_INTEGER,
  signal: new AbortController().signal,
} as const;

export const some = (matches: (letter: DeadLetter) => boolean) => ({ ...EVERY, matches });

export const REPLAY = { ...EVERY, dryRun: false, refuse: () => undefined, onProgress: () => undefined } as const;

/** Ids of the letters of a queue, in its order. */
export async function idsOf(office: DeadLetterOffice, queue: string): Promise<string[]> {
  const ids: string[] = [];
  await office.look(queue, { ...EVERY, onLetter: (letter) => ids.push(letter.messageId) });
  return ids;
}

/** Takes everything that waits in a queue; a queue with a single active consumer gives nothing to `get`. */
export async function drain(channel: Channel, queue: string): Promise<ConsumeMessage[]> {
  const messages: ConsumeMessage[] = [];
  const { messageCount } = await channel.checkQueue(queue);
  const take = (message: ConsumeMessage | null): void => void (message !== null && messages.push(message));
  const { consumerTag } = await channel.consume(queue, take, { noAck: true });
  await until(() => messages.length >= messageCount, 60_000);
  await channel.cancel(consumerTag);
  return messages;
}

export const range = (count: number, name = 'm'): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);
