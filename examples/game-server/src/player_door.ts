import type { GameServer } from '@warren/game-server-sdk';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import {
  GAME_PROTOCOL,
  MAX_CLIENT_MESSAGE_LENGTH,
  parseClientMessage,
  type ServerMessage,
  Slot,
} from './game/index.ts';
import type { GameRoom, PlayerSocket } from './game_room.ts';

export interface PlayerDoorDeps {
  readonly host: string;
  readonly port: number;
  readonly rooms: ReadonlyMap<string, GameRoom>;
  readonly platform: () => Pick<GameServer, 'admit' | 'reportJoin'>;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** A close frame holds 123 bytes, whatever the characters; a longer reason would throw. */
const MAX_REASON_CHARS = 40;
const JOIN_TIMEOUT_MS = 5_000;
const MAX_SOCKETS = 1_000;
const MAX_FRAGMENTS = 4;
/** A client that does not read is not worth the memory. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** The game's own WebSocket: lets players in by their join tickets and hands their inputs to their room. */
export class PlayerDoor {
  readonly #deps: PlayerDoorDeps;
  readonly #server: WebSocketServer;

  constructor(deps: PlayerDoorDeps) {
    this.#deps = deps;
    this.#server = new WebSocketServer({
      host: deps.host,
      port: deps.port,
      maxPayload: MAX_CLIENT_MESSAGE_LENGTH * 4,
      maxFragments: MAX_FRAGMENTS,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has(GAME_PROTOCOL) ? GAME_PROTOCOL : false),
    });
    this.#server.on('error', (error) => deps.onTrouble('listen', error));
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  /** Resolves to the port. @throws Error when it is taken */
  listening(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.once('listening', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : this.#deps.port);
      });
    });
  }

  close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: WebSocket): void {
    // first of all: an error that nobody listens for ends the process
    socket.on('error', () => socket.terminate());
    if (this.#server.clients.size > MAX_SOCKETS || socket.protocol !== GAME_PROTOCOL) {
      socket.close(1013, 'not here');
      return;
    }
    const visitor = new Visitor(socket, this.#deps);
    socket.on('message', (data, isBinary) => visitor.receive(isBinary ? '' : textOf(data)));
    socket.on('close', () => visitor.gone());
  }
}

/** One connection, from its first message to its seat in a room. */
class Visitor implements PlayerSocket {
  readonly #socket: WebSocket;
  readonly #deps: PlayerDoorDeps;
  readonly #timer: NodeJS.Timeout;
  #seat: { readonly room: GameRoom; readonly slot: Slot } | undefined;
  #joining = false;
  #gone = false;

  constructor(socket: WebSocket, deps: PlayerDoorDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.#timer = setTimeout(() => this.close('no join ticket in time'), JOIN_TIMEOUT_MS);
  }

  send(message: ServerMessage): void {
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#socket.terminate();
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close(reason: string): void {
    this.#socket.close(1000, reason.slice(0, MAX_REASON_CHARS));
  }

  receive(text: string): void {
    const parsed = parseClientMessage(text);
    if (!parsed.ok) this.#illegal(parsed.code);
    else if (parsed.message.type === 'input') this.#input(parsed.message);
    else void this.#join(parsed.message.ticket);
  }

  gone(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
    if (this.#seat !== undefined) this.#seat.room.leave(this.#seat.slot, this);
  }

  #illegal(code: Extract<ServerMessage, { type: 'refused' }>['code']): void {
    // a seated player's nonsense counts against the player; a stranger's ends the connection
    if (this.#seat !== undefined) this.#seat.room.input(this.#seat.slot, undefined);
    this.send({ type: 'refused', code });
    if (this.#seat === undefined) this.close(code);
  }

  #input(message: unknown): void {
    if (this.#seat === undefined) this.send({ type: 'refused', code: 'JOIN_REQUIRED' });
    else this.#seat.room.input(this.#seat.slot, message);
  }

  async #join(ticket: string): Promise<void> {
    if (this.#joining) return this.send({ type: 'refused', code: 'JOIN_TWICE' });
    this.#joining = true;
    try {
      const { platform, rooms } = this.#deps;
      const { sub: playerId, game_id: gameId, slot } = await platform().admit(ticket);
      // who has left meanwhile must not count as joined: the match would begin with an empty seat
      if (this.#gone) return;
      this.#sit(rooms.get(gameId), Slot.parse(slot), playerId);
      await platform().reportJoin(gameId, playerId);
    } catch (error) {
      if (this.#seat !== undefined) return this.#deps.onTrouble('report a join', error);
      this.send({ type: 'refused', code: 'JOIN_REFUSED' });
      this.close('join refused');
    }
  }

  #sit(room: GameRoom | undefined, slot: Slot, playerId: string): void {
    if (room?.join(slot, playerId, this) !== true)
      throw new Error("the game is over, or the seat is not this player's");
    clearTimeout(this.#timer);
    this.#seat = { room, slot };
  }
}

/** One message; ws gives it in pieces or as a view, depending on how it came. */
function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}
