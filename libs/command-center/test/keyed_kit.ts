import { type DtoOf, defineContract } from '@warren/contracts';
import { type Container, token } from '@warren/kernel';
import { EXCHANGE } from '@warren/rabbit';
import * as z from 'zod';
import { type ApplyContext, command, type HandlerFor } from '../src/index.ts';
import { Kit, nextOf, type RawChannel, type ServiceOptions, type TestService, until } from './kit.ts';

/** A command in sequence: what a service would do to the items of a player. */
const GRANT = defineContract({
  name: 'allocator.grant_item',
  summary: 'Gives an item.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['command'],
  dto: z.object({ player_id: z.string(), n: z.int() }),
  reply: z.object({}),
  errors: {},
  idempotency: 'inbox',
  key: 'player_id',
});

const HANDLER = token<HandlerFor<typeof GRANT>>('test.grant');

/** A busy broker takes its time for sixteen quorum queues. */
const PARTITIONS_MS = 60_000;

type Grant = DtoOf<typeof GRANT>;
type Rule = (dto: Grant, context: ApplyContext) => Promise<void>;

/** Replicas of a service with commands in sequence, and what they did. */
export class KeyedKit {
  readonly kit: Kit;
  /** `player n`, in the order in which the work ended well. */
  readonly done: string[] = [];
  /** `player n` of every run that began. */
  readonly begun: string[] = [];
  /** What the handler does; its throw is the command's. */
  rule: Rule = () => Promise.resolve();
  /** Most commands at the same time, of one player and altogether. */
  readonly most = { ofOnePlayer: 0, together: 0 };
  readonly #running = new Map<string, number>();

  constructor(kit: Kit) {
    this.kit = kit;
  }

  static async open(): Promise<KeyedKit> {
    return new KeyedKit(await Kit.open());
  }

  /** Resolves when all of its partitions are consumed: until then those that are new have no queue. */
  async replica(options: Partial<ServiceOptions> = {}): Promise<TestService> {
    const container = (built: Container): void =>
      void built.value(HANDLER, { apply: (dto: Grant, context: ApplyContext) => this.#apply(dto, context) });
    const registry = { commands: [command(GRANT, HANDLER)] };
    const service = await this.kit.service({ ...options, registry, container });
    await until(() => service.listeners.every(({ problem }) => problem === undefined), PARTITIONS_MS);
    return service;
  }

  /** Sends through the outbox of a replica, in one transaction. */
  send({ unitOfWork }: TestService, ...grants: readonly (readonly [string, number])[]): Promise<void> {
    return unitOfWork.run(async (_tx, outbox) => {
      for (const [player_id, n] of grants) outbox.send(GRANT, { player_id, n });
    });
  }

  /** Work of one player, in the order in which it ended. */
  doneOf(player: string): number[] {
    return numbersOf(this.done, player);
  }

  begunOf(player: string): number[] {
    return numbersOf(this.begun, player);
  }

  async #apply(dto: Grant, context: ApplyContext): Promise<Record<string, never>> {
    const { player_id: player, n } = dto;
    this.begun.push(`${player} ${n}`);
    const ofThisPlayer = (this.#running.get(player) ?? 0) + 1;
    this.#running.set(player, ofThisPlayer);
    this.most.ofOnePlayer = Math.max(this.most.ofOnePlayer, ofThisPlayer);
    this.most.together = Math.max(
      this.most.together,
      [...this.#running.values()].reduce((sum, one) => sum + one, 0),
    );
    try {
      await this.rule(dto, context);
      this.done.push(`${player} ${n}`);
      return {};
    } finally {
      this.#running.set(player, (this.#running.get(player) ?? 1) - 1);
    }
  }
}

function numbersOf(lines: readonly string[], player: string): number[] {
  return lines.filter((line) => line.startsWith(`${player} `)).map((line) => Number(line.split(' ')[1]));
}

type Letter = Awaited<ReturnType<typeof nextOf>>;

/** The dead letters, as somebody who reads them finds them. */
export async function letters(raw: RawChannel, count: number, ms = 30_000): Promise<Letter[]> {
  const found: Letter[] = [];
  while (found.length < count) found.push(await nextOf(raw, 'allocator.dead', ms));
  return found;
}

/** As `ops` does: back to the queue that the letter came from, with its id. */
export function replay(raw: RawChannel, letter: Letter): Promise<void> {
  const { headers, body, messageId } = letter;
  const options = { type: 'allocator.grant_item@1', messageId: String(messageId), headers };
  return raw.publish(EXCHANGE.deliver, String(headers['warren-source-queue']), body, options);
}

export const reasonsOf = (found: readonly Letter[]): unknown[] => found.map(({ headers }) => headers['warren-reason']);
