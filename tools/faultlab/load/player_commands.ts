import { CANCEL_TICKET, type Contract, CREATE_TICKET, UPDATE_ACCOUNT } from '@warren/contracts';
import type { Call } from './caller.ts';
import type { HttpClient } from './http_client.ts';
import type { Player } from './player.ts';
import type { Verdict } from './verdict.ts';

export interface PlayerCommandsDeps {
  readonly http: HttpClient;
  readonly gatewayUrls: readonly string[];
}

interface Request {
  readonly contract: Contract;
  readonly key: string;
  readonly path?: string;
  readonly body: object;
}

/** The commands of players, each through the public HTTP API; attempts take turns between the gateways. */
export class PlayerCommands {
  readonly #deps: PlayerCommandsDeps;
  #turn = 0;

  constructor(deps: PlayerCommandsDeps) {
    this.#deps = deps;
  }

  updateAccount(player: Player, key: string): Call {
    return this.#call(player, { contract: UPDATE_ACCOUNT, key, body: { display_name: key } });
  }

  /** The key is the ticket's tag too: in the table each ticket tells which call made it. */
  createTicket(player: Player, key: string, mode: string): Call {
    return this.#call(player, { contract: CREATE_TICKET, key, body: { mode, client_tag: key } });
  }

  cancelTicket(player: Player, key: string, ticketId: string): Call {
    const path = `/v1/tickets/${ticketId}/cancel`;
    return this.#call(player, { contract: CANCEL_TICKET, key, path, body: {} });
  }

  #call(player: Player, request: Request): Call {
    const { contract, key } = request;
    return {
      process: player.accountId,
      op: contract.name,
      key,
      replayable: true,
      send: () => this.#send(player, request),
    };
  }

  async #send(player: Player, { contract, key, path = contract.http?.path ?? '', body }: Request): Promise<Verdict> {
    const { http, gatewayUrls } = this.#deps;
    this.#turn += 1;
    const gatewayUrl = gatewayUrls[this.#turn % gatewayUrls.length] ?? '';
    let token: string;
    try {
      token = await player.token();
    } catch {
      return { type: 'fail', code: 'NO_TOKEN', refused: false };
    }
    return await http.post(gatewayUrl, { path, token, key, body });
  }
}
