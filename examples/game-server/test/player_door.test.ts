import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { GAME_PROTOCOL } from '../src/game/index.ts';
import { GameRoom } from '../src/game_room.ts';
import { PlayerDoor } from '../src/player_door.ts';

const GAME = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';
const PLAYERS = [
  'b6a4d4f6-6f0d-4a10-9b7e-2d1a3c7c9a01',
  'b6a4d4f6-6f0d-4a10-9b7e-2d1a3c7c9a02',
  'b6a4d4f6-6f0d-4a10-9b7e-2d1a3c7c9a03',
];

let door: PlayerDoor;
let room: GameRoom;
let joins: string[];
let url: string;
let admission: Promise<void>;

const assignment = {
  game_id: GAME,
  lease_id: GAME,
  state: 'confirmed' as const,
  expires_at: null,
  match: { mode: 'duel', seed: 7, players: [0, 1].map((slot) => ({ player_id: PLAYERS[slot] ?? '', slot })) },
};

beforeEach(async () => {
  joins = [];
  admission = Promise.resolve();
  room = new GameRoom({
    assignment,
    ticks: 200,
    joinTimeoutMs: 10_000,
    onResult: () => undefined,
    onAbsent: () => undefined,
  });
  // a ticket is `<player> <slot>`, and one that does not begin so is refused
  const platform = {
    admit: async (ticket: string) => {
      await admission;
      const [player, slot] = ticket.split(' ').map(Number);
      const sub = PLAYERS[player ?? -1];
      if (sub === undefined) throw new Error('refused');
      return { sub, game_id: GAME, slot: slot ?? 0, jti: GAME, exp: 0 };
    },
    reportJoin: async (_gameId: string, playerId: string) => void joins.push(playerId),
  };
  door = new PlayerDoor({
    host: '127.0.0.1',
    port: 0,
    rooms: new Map([[GAME, room]]),
    platform: () => platform,
    onTrouble: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  url = `ws://127.0.0.1:${await door.listening()}`;
});
afterEach(async () => {
  room.close('test over');
  await door.close();
});

const Heard = z.object({ type: z.string(), code: z.string().optional() });

class Visitor {
  readonly heard: z.output<typeof Heard>[] = [];
  readonly socket: WebSocket;
  readonly #ended: Promise<string>;

  constructor(protocol = GAME_PROTOCOL) {
    this.socket = new WebSocket(url, protocol);
    this.socket.on('error', () => undefined);
    this.#ended = new Promise((resolve) => this.socket.on('close', (_code, reason) => resolve(reason.toString())));
    this.socket.on('message', (data: Buffer) => this.heard.push(Heard.parse(JSON.parse(data.toString()))));
  }

  async send(message: unknown): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, 'open');
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    return this;
  }

  join(player: number, slot = player): Promise<this> {
    return this.send({ type: 'join', ticket: `${player} ${slot}`.padEnd(64, ' ') });
  }

  async hears(type: string, code?: string): Promise<void> {
    while (!this.heard.some((message) => message.type === type && (code === undefined || message.code === code))) {
      await once(this.socket, 'message');
    }
  }

  /** The reason of the end. */
  ends(): Promise<string> {
    return this.#ended;
  }
}

describe('the door of the game server', () => {
  it('seats the two players of the match and nobody else: foreign tickets, wrong seats, a third player', async () => {
    const [ann, bob] = [await new Visitor().join(0), await new Visitor().join(1)];
    await Promise.all([ann.hears('welcome'), bob.hears('welcome'), ann.hears('snapshot')]);
    for (const [player, slot] of [
      [2, 0],
      [2, 1],
      [0, 1],
      [2, 2],
      [9, 0],
    ] as const) {
      const stranger = await new Visitor().join(player, slot);
      const [reason] = await Promise.all([stranger.ends(), stranger.hears('refused', 'JOIN_REFUSED')]);
      expect(reason).toBe('join refused');
    }
    expect([...joins].sort()).toEqual(PLAYERS.slice(0, 2));
    expect(ann.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('ends strangers who talk nonsense, and takes no input of people without a seat', async () => {
    const garbage = await new Visitor().send('{"type":');
    await garbage.ends();
    const binary = new Visitor();
    await once(binary.socket, 'open');
    binary.socket.send(Buffer.from([1, 2, 3]));
    await binary.ends();
    const early = await new Visitor().send({ type: 'input', tick: 1, move: 'left', dash: false });
    await early.hears('refused', 'JOIN_REQUIRED');
    const foreign = new Visitor('another.v1');
    await foreign.ends();
    expect(joins).toEqual([]);
  });

  it('refuses illegal inputs of a seated player and ends who goes on with them', async () => {
    const ann = await new Visitor().join(0);
    await ann.hears('welcome');
    await ann.send({ type: 'input', tick: -1, move: 'through the hedge' });
    await ann.hears('refused');
    await ann.join(0);
    await ann.hears('refused', 'JOIN_TWICE');
    const ended = ann.ends();
    for (let i = 0; i < 2_000 && ann.socket.readyState === WebSocket.OPEN; i++) {
      await ann.send('nonsense');
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ended).toBe('too many illegal inputs');
  });

  it('does not count a player who left before the ticket was checked', async () => {
    let check = (): void => undefined;
    admission = new Promise((resolve) => {
      check = resolve;
    });
    const ann = await new Visitor().join(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    ann.socket.close();
    await ann.ends();
    await new Promise((resolve) => setTimeout(resolve, 50));
    check();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(joins).toEqual([]);
  });

  it('lets the newer connection of a player take over the seat', async () => {
    const older = await new Visitor().join(0);
    await older.hears('welcome');
    const newer = await new Visitor().join(0);
    expect(await older.ends()).toBe('replaced');
    await newer.hears('welcome');
    const ended = newer.ends();
    room.close('x'.repeat(500));
    expect(await ended).toBe('x'.repeat(40));
  });
});
