import fs from 'node:fs';
import path from 'node:path';
import {
  ALLOCATOR_ERRORS,
  AUTH_ERRORS,
  CLOSE_CODES,
  COMMON_ERRORS,
  CONTRACTS,
  COORDINATOR_ERRORS,
  type ContractErrors,
  MATCH_FAILURES,
} from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import { RABBIT_ERRORS } from '@warren/rabbit';

const root = path.resolve(import.meta.dirname, '..', '..');
const target = path.join(root, 'docs', 'errors.md');

type Notes = Readonly<Record<string, string>>;

const HEADING = `# Errors

Generated from the error tables by \`tools/src/generate_errors_doc.ts\`. Change the tables, then run \`npm run check -- --fix\`.

A code never changes its meaning. Programs decide by \`code\` and \`retryable\`; \`message\` and \`detail\` are for people and may change.
\`retryable: true\` means that the same call with the same idempotency key may end better, and never has its effect twice.
The form of an error over HTTP and WebSocket is in [client_protocol.md](client_protocol.md).
`;

type CloseName = keyof typeof CLOSE_CODES;

const CLOSE_NOTES: readonly (readonly [name: CloseName, note: string])[] = [
  ['restart', 'The gateway restarts or lost its state. Connect again after the time of `goodbye`, then resume.'],
  ['invalid', 'A binary frame, or too many frames that could not be understood.'],
  ['expired', 'No valid ticket in time, or the access token ended. Log in or refresh, then connect again.'],
  [
    'forbidden',
    'The ticket belongs to another kind of client: a player at the address of game servers, or the reverse.',
  ],
  ['slow', 'The client did not read fast enough. Connect again and resume.'],
  ['replaced', 'A newer connection of the same player or game server took over. Do not connect again by yourself.'],
  ['tooBig', 'A frame was too big or in too many pieces.'],
  ['rate', 'Too many frames in too short a time.'],
];

/** Codes that programs with the client or the game server SDK see, made there and not by a service. */
const CLIENT_NOTES: Notes = {
  CALL_ABORTED:
    'The caller ended the call by its own signal, or stopped the game server. What was sent may still take effect.',
  CALL_ABORTED: 'The signal that the program gave ended the call. The outcome is unknown; retry with the same key.',
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
  REPLY_UNEXPECTED: 'The reply does not fit the contract: client and platform are of different versions.',
};

/** Codes with which a service refuses to start, or ends. */
const OPERATOR_NOTES: Notes = {
  AUTH_SIGNING_KEY_UNREADABLE:
    'AUTH_KEY_ENCRYPTION_KEY is not the one under which the signing key was stored. Give auth-svc the old value back.',
  DATABASE_ACCESS_REFUSED: 'Postgres refuses the role or its password, or the database does not exist.',
  DATABASE_CONFIG_INVALID: 'DATABASE_URL or what was asked of the pool cannot work; the sentence says why.',
  DATABASE_MIGRATE_REFUSED:
    'DATABASE_MIGRATE is on and the role may not change the schema. Run `npm run warren -- migrate`.',
  DATABASE_ROLE_UNSAFE: 'A role that set-up should limit is a superuser. Choose another name.',
  DATABASE_ROLE_MISSING: 'The role of a service does not exist. Run `npm run warren -- setup` first.',
  DATABASE_SCHEMA_AHEAD: 'A migration was asked for and the schema is newer than the code.',
  DATABASE_SCHEMA_MISMATCH: 'The schema is older or newer than the code; the sentence says what to do.',
  REDIS_ACCESS_REFUSED: 'Redis refuses the login.',
  REDIS_CONFIG_INVALID: 'REDIS_URL is not of the form redis://user:password@host:port.',
  REGISTRY_INVALID: 'Contracts, registry and topology do not agree; the sentence says what to add or remove.',
  SERVICE_STUCK: 'Handlers ignore their signal and fill the listener. The process ends with exit code 70; restart it.',
  SETTINGS_INVALID: 'Settings are missing or wrong; every problem is listed at once, by variable, never by value.',
  SHUTDOWN_STUCK: 'A part did not stop in its time. The process ends with exit code 1.',
};

const CLIENT_CLASS = 'new WarrenError';
const SOURCE_FOLDERS = ['apps', 'libs'];
const THROWN = /(new AppError|new WarrenError|refuse)\(\s*'([A-Z][A-Z0-9_]+)'/g;

const cell = (text: string): string => text.replaceAll('|', '\\|');

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const section = (title: string, intro: string, body: string): string => `\n## ${title}\n\n${intro}\n\n${body}\n`;

/** Commands that may end in this code by their own rules. */
const commandsWith = (code: string): string =>
  CONTRACTS.filter((contract) => Object.hasOwn(contract.errors, code))
    .map(({ name }) => `\`${name}\``)
    .join(', ');

function errorRows(errors: ContractErrors, withCommands: boolean): string[][] {
  return Object.entries(errors).map(([code, { kind, retryable, message }]) => {
    const row = [`\`${code}\``, String(ERROR_KINDS[kind]), retryable ? 'yes' : 'no', message];
    return withCommands ? [...row, commandsWith(code)] : row;
  });
}

const domainTable = (errors: ContractErrors): string =>
  table(['code', 'status', 'retryable', 'meaning', 'commands'], errorRows(errors, true));

function sourcesBelow(folder: string): string[] {
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .filter((file) => /^\w+\/[\w-]+\/src\/.*\.ts$/.test(file) && !/\.i?test\.ts$/.test(file))
    .sort();
}

/** Codes that the sources write themselves and that stand in no table, by the class that carries them. */
function ownCodes(): { readonly clients: string[]; readonly services: string[] } {
  const tables = { ...COMMON_ERRORS, ...AUTH_ERRORS, ...ALLOCATOR_ERRORS, ...COORDINATOR_ERRORS, ...RABBIT_ERRORS };
  const clients = new Set<string>();
  const services = new Set<string>();
  for (const file of SOURCE_FOLDERS.flatMap(sourcesBelow)) {
    for (const [, carrier, code = ''] of fs.readFileSync(path.join(root, file), 'utf8').matchAll(THROWN)) {
      if (!Object.hasOwn(tables, code)) (carrier === CLIENT_CLASS ? clients : services).add(code);
    }
  }
  return { clients: [...clients], services: [...services] };
}

/** @throws Error when the notes and the codes of the sources differ: a code without a note helps nobody */
function notesTable(notes: Notes, codes: readonly string[]): string {
  const silent = codes.filter((code) => !Object.hasOwn(notes, code));
  const stale = Object.keys(notes).filter((code) => !codes.includes(code));
  if (silent.length > 0) throw new Error(`say in tools/src/generate_errors_doc.ts what ${silent.join(', ')} means`);
  if (stale.length > 0) throw new Error(`remove ${stale.join(', ')} from tools/src/generate_errors_doc.ts`);
  return table(
    ['code', 'meaning'],
    Object.entries(notes).map(([code, note]) => [`\`${code}\``, note]),
  );
}

function brokerErrors(): ContractErrors {
  return Object.fromEntries(Object.entries(RABBIT_ERRORS).filter(([code]) => !Object.hasOwn(COMMON_ERRORS, code)));
}

const plainTable = (errors: ContractErrors): string =>
  table(['code', 'status', 'retryable', 'meaning'], errorRows(errors, false));

function protocolSections(): string[] {
  const failures = Object.entries(MATCH_FAILURES).map(([code, message]) => [`\`${code}\``, message]);
  const closes = CLOSE_NOTES.map(([name, note]) => [String(CLOSE_CODES[name]), name, note]);
  return [
    section('Any call', 'Any HTTP call or WebSocket request may end in one of these.', plainTable(COMMON_ERRORS)),
    section('Accounts', 'Of auth-svc.', domainTable(AUTH_ERRORS)),
    section('Game servers', 'Of game-allocator.', domainTable(ALLOCATOR_ERRORS)),
    section('Tickets and matches', 'Of coordinator.', domainTable(COORDINATOR_ERRORS)),
    section(
      'Why a match failed',
      'The `code` of `match.failed` and the `failure` of a match.',
      table(['code', 'meaning'], failures),
    ),
    section(
      'WebSocket close codes',
      'Of `/v1/ws` and `/v1/servers/ws`.',
      table(['code', 'name', 'what happened and what to do'], closes),
    ),
  ];
}

function programSections(): string[] {
  const { clients, services } = ownCodes();
  return [
    section(
      'Client libraries',
      'Made by `@warren/client` and `@warren/game-server-sdk` themselves.',
      notesTable(CLIENT_NOTES, clients),
    ),
    section(
      'The broker layer',
      'Only the operator sees these, in logs and at a start that fails.',
      plainTable(brokerErrors()),
    ),
    section(
      'Start and stop of a service',
      'Only the operator sees these. A start that fails prints one line, `<service>: <CODE>: <sentence>`, and ends with exit code 1.',
      notesTable(OPERATOR_NOTES, services),
    ),
  ];
}

const text = [HEADING, ...protocolSections(), ...programSections()].join('');
if (!process.argv.includes('--check')) fs.writeFileSync(target, text);
else if (!fs.existsSync(target) || fs.readFileSync(target, 'utf8') !== text) {
  process.stderr.write('docs/errors.md differs from the error tables: run `node tools/src/generate_errors_doc.ts`\n');
  process.exitCode = 1;
}
