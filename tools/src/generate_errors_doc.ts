import fs from 'node:fs';
import path from 'node:path';
import {
  ALLOCATOR_ERRORS,
  AUTH_ERRORS,
  CLOSE_CODES,
  COMMON_ERRORS,
  CONTRACTS,
  type ContractErrors,
  COORDINATOR_ERRORS,
  MATCH_FAILURES,
} from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import { RABBIT_ERRORS } from '@warren/rabbit';

const root = path.resolve(import.meta.dirname, '..', '..');
const target = path.join(root, 'docs', 'errors.md');

const HEADING = `# Errors

Generated from the error tables by \`tools/src/generate_errors_doc.ts\`. Change the tables, then run \`npm run check -- --fix\`.

A code never changes its meaning. Programs decide by \`code\` and \`retryable\`; \`message\` and \`detail\` are for people and may change.
\`retryable: true\` means that the same call with the same idempotency key may end better, and never has its effect twice.
The form of an error over HTTP and WebSocket is in [client_protocol.md](client_protocol.md).
`;

const CLOSE_NOTES: Readonly<Record<keyof typeof CLOSE_CODES, string>> = {
  expired: 'No valid ticket in time, or the access token ended. Log in or refresh, then connect again.',
  forbidden: 'The ticket belongs to another kind of client: a player at the address of game servers, or the reverse.',
  slow: 'The client did not read fast enough. Connect again and resume.',
  replaced: 'A newer connection of the same player or game server took over. Do not connect again by yourself.',
  tooBig: 'A frame was too big or in too many pieces.',
  rate: 'Too many frames in too short a time.',
  invalid: 'A binary frame, or too many frames that could not be understood.',
  restart: 'The gateway restarts or lost its state. Connect again after the time of `goodbye`, then resume.',
};

/** Errors of programs that use the client or the game server SDK, as opposed to those of a service. */
const CLIENT_CLASS = 'WarrenError';
const SOURCE_FOLDERS = ['apps', 'libs'];
/** `new AppError('CODE', 'message'`, with a message that may be a template or a variable. */
const THROWN = /new (AppError|WarrenError)\(\s*'([A-Z][A-Z0-9_]+)',\s*(?:'([^']*)'|`([^`]*)`|[\w.]+)/g;

interface Thrown {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly file: string;
}

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

/** Every error that the sources make by a literal code, the first place of each. */
function thrownErrors(): Thrown[] {
  const found = new Map<string, Thrown>();
  for (const file of SOURCE_FOLDERS.flatMap(sourcesBelow)) {
    for (const match of fs.readFileSync(path.join(root, file), 'utf8').matchAll(THROWN)) {
      const [, kind = '', code = '', plain, template] = match;
      const message = (plain ?? template ?? '').replaceAll(/\$\{[^}]*\}/g, '…');
      if (!found.has(code)) found.set(code, { kind, code, message, file });
    }
  }
  return [...found.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

const thrownTable = (errors: readonly Thrown[]): string =>
  table(
    ['code', 'meaning', 'made in'],
    errors.map(({ code, message, file }) => [`\`${code}\``, message, `\`${file}\``]),
  );

function brokerErrors(): ContractErrors {
  return Object.fromEntries(Object.entries(RABBIT_ERRORS).filter(([code]) => !Object.hasOwn(COMMON_ERRORS, code)));
}

function errorsDocument(): string {
  const listed = { ...COMMON_ERRORS, ...AUTH_ERRORS, ...ALLOCATOR_ERRORS, ...COORDINATOR_ERRORS, ...RABBIT_ERRORS };
  const others = thrownErrors().filter(({ code }) => !Object.hasOwn(listed, code));
  const inClients = others.filter(({ kind }) => kind === CLIENT_CLASS);
  const inServices = others.filter(({ kind }) => kind !== CLIENT_CLASS);
  return [
    HEADING,
    section(
      'Any call',
      'Any HTTP call or WebSocket request may end in one of these.',
      table(['code', 'status', 'retryable', 'meaning'], errorRows(COMMON_ERRORS, false)),
    ),
    section('Accounts', 'Of auth-svc.', domainTable(AUTH_ERRORS)),
    section('Game servers', 'Of game-allocator.', domainTable(ALLOCATOR_ERRORS)),
    section('Tickets and matches', 'Of coordinator.', domainTable(COORDINATOR_ERRORS)),
    section(
      'Why a match failed',
      'The `code` of `match.failed` and the `failure` of a match.',
      table(
        ['code', 'meaning'],
        Object.entries(MATCH_FAILURES).map(([code, message]) => [`\`${code}\``, message]),
      ),
    ),
    section(
      'WebSocket close codes',
      'Of `/v1/ws` and `/v1/servers/ws`.',
      table(
        ['code', 'name', 'what to do'],
        Object.entries(CLOSE_NOTES).map(([name, note]) => [
          String(CLOSE_CODES[name as keyof typeof CLOSE_CODES]),
          name,
          note,
        ]),
      ),
    ),
    section(
      'Client libraries',
      'Made by `@warren/client` and `@warren/game-server-sdk` themselves.',
      thrownTable(inClients),
    ),
    section(
      'The broker layer',
      'Only the operator sees these, in logs and at a start that fails.',
      table(['code', 'status', 'retryable', 'meaning'], errorRows(brokerErrors(), false)),
    ),
    section(
      'Start and stop of a service',
      'Only the operator sees these. A start that fails prints one line, `<service>: <CODE>: <sentence>`, and ends with exit code 1.',
      thrownTable(inServices),
    ),
  ].join('');
}

const text = errorsDocument();
if (!process.argv.includes('--check')) fs.writeFileSync(target, text);
else if (!fs.existsSync(target) || fs.readFileSync(target, 'utf8') !== text) {
  process.stderr.write('docs/errors.md differs from the error tables: run `node tools/src/generate_errors_doc.ts`\n');
  process.exitCode = 1;
}
