import { WarrenClient, WarrenError } from '@warren/client';

const PASSWORD = 'a password of the fault lab';
const SIGN_UP_RETRY_MS = 60_000;
const RELOGIN_CODES: ReadonlySet<string> = new Set(['NOT_LOGGED_IN', 'AUTH_REFRESH_REFUSED']);

/** One player with a login that is kept alive. */
export class Player {
  readonly accountId: string;
  readonly #client: WarrenClient;
  readonly #login: string;

  private constructor(client: WarrenClient, login: string, accountId: string) {
    this.#client = client;
    this.#login = login;
    this.accountId = accountId;
  }

  static async signUp(gatewayUrl: string, login: string): Promise<Player> {
    const client = new WarrenClient({ baseUrl: gatewayUrl, retryForMs: SIGN_UP_RETRY_MS });
    const { account_id } = await client.register(login, PASSWORD, login);
    await client.login(login, PASSWORD);
    return new Player(client, login, account_id);
  }

  /** A token that is still good. @throws WarrenError while none can be had */
  async token(): Promise<string> {
    try {
      return await this.#client.accessToken();
    } catch (error) {
      // a refresh whose answer was lost for too long ends the login, as it must: log in again
      if (!(error instanceof WarrenError) || !RELOGIN_CODES.has(error.code)) throw error;
      await this.#client.login(this.#login, PASSWORD);
      return this.#client.accessToken();
    }
  }
}

/** Signs players up, a few at a time: hashing passwords is the one thing here that costs. */
export async function signUpPlayers(gatewayUrls: readonly string[], count: number): Promise<Player[]> {
  const players: Player[] = [];
  const logins = Array.from({ length: count }, (_, index) => `lab-player-${index}`);
  const work = async (gatewayUrl: string): Promise<void> => {
    for (let login = logins.shift(); login !== undefined; login = logins.shift())
      players.push(await Player.signUp(gatewayUrl, login));
  };
  await Promise.all([...gatewayUrls, ...gatewayUrls].map(work));
  return players;
}
