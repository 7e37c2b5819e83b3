/** Code → what it means and what to do. */
export type Notes = Readonly<Record<string, string>>;

/** Codes that programs with the client or the game server SDK see, made there and not by a service. */
export const CLIENT_NOTES: Notes = {
  CALL_ABORTED:
    'The caller ended the call by its own signal, or stopped the game server. What was sent may still take effect.',
  CLIENT_BUSY: 'Too many requests of this connection wait for a reply. Retryable.',
  CONNECTION_CLOSED: 'The WebSocket was closed before it was open; the sentence holds the close code.',
  CONNECTION_LOST: 'The connection was lost before the reply came. The outcome is unknown; retry with the same key.',
  HTTP_UNEXPECTED:
    'The answer was no problem document, for example of a proxy in between. Retryable from status 500 on.',
  JOIN_DESK_FULL: 'Too many players join this game server at once. Retryable.',
  JOIN_TICKET_REFUSED:
    'The join ticket is wrong, too old, for another server, used already, or its game does not run here.',
  NETWORK_FAILED: 'The gateway could not be reached. The outcome is unknown; retry with the same key.',
  NOT_CONNECTED:
    'The WebSocket is not open. Retryable while it comes back by itself, final when the connection has ended.',
  NOT_LOGGED_IN: 'Log in before this call.',
  REPLY_UNEXPECTED:
    'The answer does not fit its contract: this program and the server are of versions that do not go together.',
};

/** Codes with which a service refuses to start, or ends. */
export const OPERATOR_NOTES: Notes = {
  AUTH_SIGNING_KEY_UNREADABLE:
    'AUTH_KEY_ENCRYPTION_KEY is not the one under which the signing key was stored. Give auth-svc the old value back.',
  DATABASE_ACCESS_REFUSED: 'Postgres refuses the role or its password, or the database does not exist.',
  DATABASE_CONFIG_INVALID: 'DATABASE_URL or what was asked of the pool cannot work; the sentence says why.',
  DATABASE_MIGRATE_REFUSED:
    'DATABASE_MIGRATE is on and the role may not change the schema. Run `npm run warren -- migrate`.',
  DATABASE_ROLE_UNSAFE:
    'A role that set-up should limit exists and may do more: a superuser, or one that makes roles or databases. Choose another name.',
  DATABASE_ROLE_MISSING: 'The role of a service does not exist. Run `npm run warren -- setup` first.',
  DATABASE_SCHEMA_AHEAD: 'A migration was asked for and the schema is newer than the code.',
  DATABASE_SCHEMA_MISMATCH: 'The schema is older or newer than the code; the sentence says what to do.',
  REDIS_ACCESS_REFUSED: 'Redis refuses the login.',
  REDIS_CONFIG_INVALID: 'REDIS_URL is not of the form redis://user:password@host:port.',
  REGISTRY_INVALID: 'Contracts, registry and topology do not agree; the sentence says what to add or remove.',
  SERVICE_STUCK: 'Handlers ignore their signal and fill the listener. The process ends with exit code 70; restart it.',
  SETTINGS_INVALID: 'Settings are missing or wrong; every problem is listed at once, by variable, never by value.',
  SETTINGS_PORT_TAKEN: 'Another process listens on the port of a server of this one; the sentence names the setting.',
  SHUTDOWN_STUCK: 'A part did not stop in its time. The process ends with exit code 1.',
};
