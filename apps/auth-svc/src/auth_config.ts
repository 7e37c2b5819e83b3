import { AUTH_TOKENS } from '@warren/auth';
import { command, defineRegistry } from '@warren/command-center';
import {
  EXCHANGE_SERVER_KEY,
  GET_ACCOUNT,
  GET_JWKS,
  ISSUE_JOIN_TICKET,
  LOGIN,
  LOGOUT,
  REFRESH,
  REGISTER,
  UPDATE_ACCOUNT,
  VALIDATE_TOKEN,
} from '@warren/contracts';

const MAX_CONCURRENT_TASKS = 64;
const COMMAND_PROCESSING_TIMEOUT_MS = 15_000;

/** Every command of auth-svc and its handler. */
export const authRegistry = defineRegistry({
  prefix: 'auth',
  maxConcurrentTasks: MAX_CONCURRENT_TASKS,
  commandProcessingTimeoutMs: COMMAND_PROCESSING_TIMEOUT_MS,
  commands: [
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
  ],
  events: [],
});
