import { ServerFrame, SUBPROTOCOL, WsTicketReply } from '@warren/contracts';
import type { TestPlayer } from './test_player.ts';

/** A bare connection to one gateway that keeps what it is told, and does not come back. */
export class SocketProbe {
  readonly #socket: WebSocket;
  /** Kinds of the frames in the order of their arrival, and the close code at the end. */
  readonly heard: string[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Connects a player that has logged in. @throws Error when the gateway does not accept */
  static async open(gatewayUrl: string, player: TestPlayer): Promise<SocketProbe> {
    const token = await player.client.accessToken();
    const { ticket } = WsTicketReply.parse(await player.client.api.request('POST', '/v1/ws-tickets', { token }));
    const socket = new WebSocket(`${gatewayUrl.replace(/^http/, 'ws')}/v1/ws`, SUBPROTOCOL);
    const probe = new SocketProbe(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => socket.send(JSON.stringify({ auth: { ticket } })));
      socket.addEventListener('message', ({ data }) => probe.#hear(data, resolve));
      socket.addEventListener('close', ({ code }) => {
        probe.heard.push(String(code));
        reject(new Error(`closed with ${code}`));
      });
    });
    return probe;
  }

  get closed(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  #hear(data: unknown, onWelcome: () => void): void {
    if (typeof data !== 'string') return;
    const frame = ServerFrame.parse(JSON.parse(data));
    this.heard.push(Object.keys(frame)[0] ?? '');
    if ('welcome' in frame) onWelcome();
  }
}
