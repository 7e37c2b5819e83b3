import { availableParallelism } from 'node:os';
import { type HandlerFor, RESOURCE } from '@warren/command-center';
import type {
  EXCHANGE_SERVER_KEY,
  GET_ACCOUNT,
  GET_JWKS,
  ISSUE_JOIN_TICKET,
  IssueJoinTicketReply,
  LOGIN,
  LOGOUT,
  REFRESH,
  REGISTER,
  UPDATE_ACCOUNT,
  VALIDATE_TOKEN,
} from '@warren/contracts';
import { type Container, token } from '@warren/kernel';
import { type AccessClaims, type SigningKey, TokenSigner, TokenVerifier } from '@warren/tokens';
import type { AuthDomainSettings } from './auth_settings.ts';
import { ExchangeServerKeyHandler } from './handlers/exchange_server_key_handler.ts';
import { GetAccountHandler } from './handlers/get_account_handler.ts';
import { GetJwksHandler } from './handlers/get_jwks_handler.ts';
import { IssueJoinTicketHandler } from './handlers/issue_join_ticket_handler.ts';
import { LoginHandler, type VerifiedLogin } from './handlers/login_handler.ts';
import { LogoutHandler } from './handlers/logout_handler.ts';
import { RefreshHandler } from './handlers/refresh_handler.ts';
import { RegisterHandler } from './handlers/register_handler.ts';
import { UpdateAccountHandler } from './handlers/update_account_handler.ts';
import { ValidateTokenHandler } from './handlers/validate_token_handler.ts';
import { AuthOrchestrator } from './orchestrators/auth_orchestrator.ts';
import { AccountRepository } from './repositories/account_repository.ts';
import { RefreshTokenRepository } from './repositories/refresh_token_repository.ts';
import { ServerKeyRepository } from './repositories/server_key_repository.ts';
import { SessionRepository } from './repositories/session_repository.ts';
import { SigningKeyRepository } from './repositories/signing_key_repository.ts';
import { Argon2Password, type PasswordAlgorithm } from './services/argon2_password.ts';
import { AuthSweeper } from './services/auth_sweeper.ts';
import { PasswordHasher } from './services/password_hasher.ts';
import { SessionTokens } from './services/session_tokens.ts';
import { SigningKeyRing } from './services/signing_key_ring.ts';
import { SigningKeyTask } from './services/signing_key_task.ts';

/** What the registry and the app take out of the container. */
export const AUTH_TOKENS = {
  orchestrator: token<AuthOrchestrator>('auth.orchestrator'),
  signingKeyTask: token<SigningKeyTask>('auth.signing_key_task'),
  sweeper: token<AuthSweeper>('auth.sweeper'),
  register: token<HandlerFor<typeof REGISTER, string>>('auth.register_handler'),
  login: token<HandlerFor<typeof LOGIN, VerifiedLogin>>('auth.login_handler'),
  refresh: token<HandlerFor<typeof REFRESH, SigningKey>>('auth.refresh_handler'),
  logout: token<HandlerFor<typeof LOGOUT>>('auth.logout_handler'),
  updateAccount: token<HandlerFor<typeof UPDATE_ACCOUNT>>('auth.update_account_handler'),
  getAccount: token<HandlerFor<typeof GET_ACCOUNT>>('auth.get_account_handler'),
  validateToken: token<HandlerFor<typeof VALIDATE_TOKEN, AccessClaims | undefined>>('auth.validate_token_handler'),
  getJwks: token<HandlerFor<typeof GET_JWKS>>('auth.get_jwks_handler'),
  issueJoinTicket: token<HandlerFor<typeof ISSUE_JOIN_TICKET, IssueJoinTicketReply>>('auth.issue_join_ticket_handler'),
  exchangeServerKey: token<HandlerFor<typeof EXCHANGE_SERVER_KEY, SigningKey>>('auth.exchange_server_key_handler'),
} as const;

/** Inside of the domain: repositories and services. */
export const INTERNAL = {
  accounts: token<AccountRepository>('auth.account_repository'),
  sessions: token<SessionRepository>('auth.session_repository'),
  refreshTokens: token<RefreshTokenRepository>('auth.refresh_token_repository'),
  signingKeys: token<SigningKeyRepository>('auth.signing_key_repository'),
  serverKeys: token<ServerKeyRepository>('auth.server_key_repository'),
  passwordAlgorithm: token<PasswordAlgorithm>('auth.password_algorithm'),
  hasher: token<PasswordHasher>('auth.password_hasher'),
  ring: token<SigningKeyRing>('auth.signing_key_ring'),
  signer: token<TokenSigner>('auth.token_signer'),
  verifier: token<TokenVerifier>('auth.token_verifier'),
  sessionTokens: token<SessionTokens>('auth.session_tokens'),
} as const;

/** Registers the auth domain. Expects RESOURCE.database, unitOfWork, idempotencyKey, clock and logger. */
export function registerAuth(container: Container, settings: AuthDomainSettings): void {
  registerRepositories(container);
  registerServices(container, settings);
  registerSessionHandlers(container);
  registerKeyHandlers(container);
  container.register(
    AUTH_TOKENS.orchestrator,
    (from) =>
      new AuthOrchestrator({
        database: from.resolve(RESOURCE.database),
        unitOfWork: from.resolve(RESOURCE.unitOfWork),
        idempotencyKey: from.resolve(RESOURCE.idempotencyKey),
      }),
  );
}

function registerRepositories(container: Container): void {
  container
    .register(INTERNAL.accounts, () => new AccountRepository())
    .register(INTERNAL.sessions, () => new SessionRepository())
    .register(INTERNAL.refreshTokens, () => new RefreshTokenRepository())
    .register(INTERNAL.signingKeys, () => new SigningKeyRepository())
    .register(INTERNAL.serverKeys, () => new ServerKeyRepository());
}

function registerServices(container: Container, settings: AuthDomainSettings): void {
  const { tokenIssuer: issuer, keyEncryptionKey: encryptionKey } = settings;
  if (!container.has(INTERNAL.passwordAlgorithm))
    container.register(INTERNAL.passwordAlgorithm, () => new Argon2Password());
  container
    .register(
      INTERNAL.hasher,
      (from) =>
        new PasswordHasher({
          algorithm: from.resolve(INTERNAL.passwordAlgorithm),
          concurrency: availableParallelism(),
        }),
    )
    .register(INTERNAL.ring, (from) => {
      const [database, clock] = [from.resolve(RESOURCE.database), from.resolve(RESOURCE.clock)];
      return new SigningKeyRing({ database, keys: from.resolve(INTERNAL.signingKeys), encryptionKey, clock });
    })
    .register(INTERNAL.signer, (from) => new TokenSigner({ issuer, clock: from.resolve(RESOURCE.clock) }))
    .register(
      INTERNAL.verifier,
      (from) => new TokenVerifier({ source: from.resolve(INTERNAL.ring), issuer, clock: from.resolve(RESOURCE.clock) }),
    )
    .register(INTERNAL.sessionTokens, (from) => {
      const [sessions, refreshTokens] = [from.resolve(INTERNAL.sessions), from.resolve(INTERNAL.refreshTokens)];
      return new SessionTokens({ signer: from.resolve(INTERNAL.signer), sessions, refreshTokens, settings });
    })
    .register(AUTH_TOKENS.signingKeyTask, (from) => new SigningKeyTask({ ring: from.resolve(INTERNAL.ring) }))
    .register(
      AUTH_TOKENS.sweeper,
      (from) =>
        new AuthSweeper({
          database: from.resolve(RESOURCE.database),
          sessions: from.resolve(INTERNAL.sessions),
          refreshTokens: from.resolve(INTERNAL.refreshTokens),
          serverKeys: from.resolve(INTERNAL.serverKeys),
          clock: from.resolve(RESOURCE.clock),
          logger: from.resolve(RESOURCE.logger),
        }),
    );
}

function registerSessionHandlers(container: Container): void {
  container
    .register(
      AUTH_TOKENS.register,
      (from) =>
        new RegisterHandler({ accounts: from.resolve(INTERNAL.accounts), hasher: from.resolve(INTERNAL.hasher) }),
    )
    .register(
      AUTH_TOKENS.login,
      (from) =>
        new LoginHandler({
          database: from.resolve(RESOURCE.database),
          accounts: from.resolve(INTERNAL.accounts),
          hasher: from.resolve(INTERNAL.hasher),
          keys: from.resolve(INTERNAL.ring),
          tokens: from.resolve(INTERNAL.sessionTokens),
        }),
    )
    .register(
      AUTH_TOKENS.refresh,
      (from) =>
        new RefreshHandler({
          sessions: from.resolve(INTERNAL.sessions),
          refreshTokens: from.resolve(INTERNAL.refreshTokens),
          keys: from.resolve(INTERNAL.ring),
          tokens: from.resolve(INTERNAL.sessionTokens),
        }),
    )
    .register(AUTH_TOKENS.logout, (from) => new LogoutHandler({ sessions: from.resolve(INTERNAL.sessions) }))
    .register(
      AUTH_TOKENS.updateAccount,
      (from) => new UpdateAccountHandler({ accounts: from.resolve(INTERNAL.accounts) }),
    )
    .register(AUTH_TOKENS.getAccount, (from) => new GetAccountHandler({ accounts: from.resolve(INTERNAL.accounts) }))
    .register(
      AUTH_TOKENS.validateToken,
      (from) =>
        new ValidateTokenHandler({
          verifier: from.resolve(INTERNAL.verifier),
          sessions: from.resolve(INTERNAL.sessions),
        }),
    );
}

function registerKeyHandlers(container: Container): void {
  container
    .register(
      AUTH_TOKENS.getJwks,
      (from) => new GetJwksHandler({ keys: from.resolve(INTERNAL.signingKeys), ring: from.resolve(INTERNAL.ring) }),
    )
    .register(
      AUTH_TOKENS.issueJoinTicket,
      (from) =>
        new IssueJoinTicketHandler({ keys: from.resolve(INTERNAL.ring), signer: from.resolve(INTERNAL.signer) }),
    )
    .register(AUTH_TOKENS.exchangeServerKey, (from) => {
      const [serverKeys, keys] = [from.resolve(INTERNAL.serverKeys), from.resolve(INTERNAL.ring)];
      return new ExchangeServerKeyHandler({ serverKeys, keys, signer: from.resolve(INTERNAL.signer) });
    });
}
