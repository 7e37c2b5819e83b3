import { type CommandBinding, CommandContext, command, RESOURCE, UnitOfWork } from '@warren/command-center';
import {
  type Contract,
  type DtoOf,
  EXCHANGE_SERVER_KEY,
  GET_ACCOUNT,
  GET_JWKS,
  ISSUE_JOIN_TICKET,
  LOGIN,
  LOGOUT,
  REFRESH,
  REGISTER,
  type ReplyOf,
  type TokensReply,
  UPDATE_ACCOUNT,
  VALIDATE_TOKEN,
} from '@warren/contracts';
import { Container, newId, silentLogger, startTrace, systemClock, systemRng } from '@warren/kernel';
import { Database, migrate } from '@warren/postgres';
import type { Actor } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { type TempDatabase, tempDatabase } from '@warren/testing';
import { INTERNAL } from '../src/auth_container.ts';
import { AUTH_TOKENS, type AuthDomainSettings, authMigrations, registerAuth } from '../src/index.ts';
import { Argon2Password, type PasswordAlgorithm } from '../src/services/argon2_password.ts';

export const SETTINGS: AuthDomainSettings = {
  tokenIssuer: 'warren-test',
  accessTokenTtlSeconds: 600,
  refreshTokenTtlSeconds: 3_600,
  sessionTtlSeconds: 86_400,
  keyEncryptionKey: Buffer.from('6f1c0a9b3d5e7f82a4c6e8d0b1f3957a2468ace013579bdffdb97531eca86420', 'hex'),
};

export const PASSWORD = 'seven lazy foxes';
const ANONYMOUS: Actor = { kind: 'anonymous' };

/** Counts what the real algorithm is asked to do. */
class CountingAlgorithm implements PasswordAlgorithm {
  readonly #inner = new Argon2Password();
  readonly decoy = this.#inner.decoy;
  hashes = 0;
  verifies = 0;

  hash(password: string): Promise<string> {
    this.hashes += 1;
    return this.#inner.hash(password);
  }

  verify(stored: string, password: string): Promise<boolean> {
    this.verifies += 1;
    return this.#inner.verify(stored, password);
  }

  isOutdated(stored: string): boolean {
    return this.#inner.isOutdated(stored);
  }
}

/** One replica of auth-svc without its broker: the real container, orchestrator, inbox and database. */
export class AuthReplica {
  readonly algorithm = new CountingAlgorithm();
  readonly database: Database;
  readonly container = new Container();
  readonly #bindings: ReadonlyMap<string, CommandBinding>;

  constructor(url: string, settings: AuthDomainSettings = SETTINGS) {
    const logger = silentLogger();
    const metrics = new Metrics('auth');
    this.database = new Database({ url, schema: 'auth', logger, metrics });
    this.container
      .value(RESOURCE.logger, logger)
      .value(RESOURCE.metrics, metrics)
      .value(RESOURCE.clock, systemClock)
      .value(RESOURCE.rng, systemRng)
      .value(RESOURCE.database, this.database)
      .value(RESOURCE.unitOfWork, new UnitOfWork({ database: this.database, onOutbox: () => undefined }))
      .value(RESOURCE.idempotencyKey, settings.keyEncryptionKey)
      .value(INTERNAL.passwordAlgorithm, this.algorithm);
    registerAuth(this.container, settings);
    const bindings = [
      command(REGISTER, AUTH_TOKENS.register),
      command(LOGIN, AUTH_TOKENS.login),
      command(REFRESH, AUTH_TOKENS.refresh),
      command(LOGOUT, AUTH_TOKENS.logout),
      command(GET_ACCOUNT, AUTH_TOKENS.getAccount),
      command(UPDATE_ACCOUNT, AUTH_TOKENS.updateAccount),
      command(VALIDATE_TOKEN, AUTH_TOKENS.validateToken),
      command(GET_JWKS, AUTH_TOKENS.getJwks),
      command(ISSUE_JOIN_TICKET, AUTH_TOKENS.issueJoinTicket),
      command(EXCHANGE_SERVER_KEY, AUTH_TOKENS.exchangeServerKey),
    ];
    this.#bindings = new Map(bindings.map((binding) => [binding.name, binding]));
  }

  /** Runs a command as the listener would, and checks that the reply fits the contract. */
  async call<C extends Contract>(
    contract: C,
    dto: DtoOf<C>,
    options: { readonly actor?: Actor; readonly messageId?: string } = {},
  ): Promise<ReplyOf<C>> {
    const binding = this.#bindings.get(contract.name);
    if (binding === undefined) throw new Error(`no binding for ${contract.name}`);
    const { actor = ANONYMOUS, messageId = newId() } = options;
    const deadline = systemClock.monotonicMs() + 15_000;
    const envelope = {
      name: contract.name,
      messageId,
      attempt: 1,
      actor,
      caller: 'gateway',
      trace: startTrace(),
      deadline,
    };
    const context = new CommandContext(envelope, systemClock, silentLogger());
    const validated = { binding, handler: binding.resolve(this.container), payload: contract.dto.parse(dto) };
    const reply = await this.container.resolve(AUTH_TOKENS.orchestrator).execute(validated, context);
    return contract.reply.parse(reply) as ReplyOf<C>;
  }

  register(login: string, password = PASSWORD): Promise<ReplyOf<typeof REGISTER>> {
    return this.call(REGISTER, { login, password, display_name: 'Hazel' });
  }

  login(login: string, password = PASSWORD): Promise<TokensReply> {
    return this.call(LOGIN, { login, password });
  }

  refresh(refresh_token: string): Promise<TokensReply> {
    return this.call(REFRESH, { refresh_token });
  }
}

/** A migrated database with any number of replicas on it. */
export class AuthWorld {
  readonly temp: TempDatabase;
  readonly #replicas: AuthReplica[] = [];

  private constructor(temp: TempDatabase) {
    this.temp = temp;
  }

  static async create(): Promise<AuthWorld> {
    const temp = await tempDatabase();
    await migrate(temp.url, authMigrations, { role: new URL(temp.url).username });
    return new AuthWorld(temp);
  }

  replica(settings?: AuthDomainSettings): AuthReplica {
    const replica = new AuthReplica(this.temp.url, settings);
    this.#replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    for (const replica of this.#replicas) await replica.database.close();
    await this.temp.drop();
  }
}

/** The actor that the gateway would make of an access token. */
export async function actorOf(replica: AuthReplica, tokens: TokensReply): Promise<Actor> {
  const claims = await replica.container.resolve(INTERNAL.verifier).verifyAccessToken(tokens.access_token);
  return { kind: 'player', id: claims.sub, sessionId: claims.sid, roles: claims.roles };
}
