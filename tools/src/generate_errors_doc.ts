import fs from 'node:fs';
import path from 'node:path';
import { CLOSE_NOTES } from '@warren/api-docs';
import {
  CLOSE_CODES,
  COMMON_ERRORS,
  CONTRACTS,
  type ContractErrors,
  MATCH_FAILURES,
  SERVICE_CONTRACTS,
} from '@warren/contracts';
import { ERROR_KINDS } from '@warren/kernel';
import { RABBIT_ERRORS, serviceSpec } from '@warren/rabbit';
import { CLIENT_NOTES, type Notes, OPERATOR_NOTES } from './documents/error_notes.ts';
import { keepPage } from './documents/keep_page.ts';
import { section, table } from './documents/markdown.ts';

const root = path.resolve(import.meta.dirname, '..', '..');

const HEADING = `# Errors

Generated from the error tables by \`tools/src/generate_errors_doc.ts\`. Change the tables, then run \`npm run check -- --fix\`.

A code never changes its meaning. Programs decide by \`code\` and \`retryable\`; \`message\` and \`detail\` are for people and may change.
\`retryable: true\` means that the same call with the same idempotency key may end better, and never has its effect twice.
The form of an error over HTTP and WebSocket is in [client_protocol.md](client_protocol.md).
`;

const CLIENT_CLASS = 'new WarrenError';
const THROWN = /(new AppError|new WarrenError|refuse)\(\s*'([A-Z][A-Z0-9_]+)'/g;

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

/** Not the folders as a whole: their node_modules lead from package to package without end. */
function sources(): string[] {
  const files = fs.globSync('{apps,libs}/*/src/**/*.ts', { cwd: root }).map((name) => name.replaceAll(path.sep, '/'));
  return files.filter((file) => !/\.i?test\.ts$/.test(file)).sort();
}

/** Codes that the sources write themselves and that stand in no table, by the class that carries them. */
function ownCodes(): { readonly clients: string[]; readonly services: string[] } {
  const tables = [COMMON_ERRORS, RABBIT_ERRORS, ...SERVICE_CONTRACTS.map(({ errors }) => errors)];
  const known = new Set(tables.flatMap((errors) => Object.keys(errors)));
  const clients = new Set<string>();
  const services = new Set<string>();
  for (const file of sources()) {
    for (const [, carrier, code = ''] of fs.readFileSync(path.join(root, file), 'utf8').matchAll(THROWN)) {
      if (!known.has(code)) (carrier === CLIENT_CLASS ? clients : services).add(code);
    }
  }
  return { clients: [...clients], services: [...services] };
}

/** @throws Error when the notes and the codes of the sources differ: a code without a note helps nobody */
function notesTable(notes: Notes, codes: readonly string[]): string {
  const silent = codes.filter((code) => !Object.hasOwn(notes, code));
  const stale = Object.keys(notes).filter((code) => !codes.includes(code));
  if (silent.length > 0) throw new Error(`say in tools/src/documents/error_notes.ts what ${silent.join(', ')} means`);
  if (stale.length > 0) throw new Error(`remove ${stale.join(', ')} from tools/src/documents/error_notes.ts`);
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
    ...SERVICE_CONTRACTS.map(({ prefix, title, errors }) =>
      section(title, `Of ${serviceSpec(prefix).app}.`, domainTable(errors)),
    ),
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
process.exitCode = keepPage('docs/errors.md', text, process.argv.slice(2));
