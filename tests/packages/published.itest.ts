import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPO } from '../e2e/support/app_process.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';

const run = promisify(execFile);
const STEP_TIMEOUT_MS = 180_000;
/** npm waits five minutes for an answer of the registry that got lost, unless told otherwise. */
const PATIENCE = ['--prefer-offline', '--fetch-timeout=15000', '--fetch-retries=5', '--fetch-retry-mintimeout=1000'];
const INSTALL = ['--no-audit', '--no-fund', '--ignore-scripts', ...PATIENCE];

const SCRIPT = `
import { GET_ACCOUNT, WarrenClient, WarrenError } from '@warren/client';
import { GameServer } from '@warren/game-server-sdk';

const [gatewayUrl, serverKey] = process.argv.slice(2);
const client = new WarrenClient({ baseUrl: gatewayUrl });
const login = 'packed-' + crypto.randomUUID().slice(0, 8);
await client.register(login, 'a password of a packed client', 'Packed');
const refused = await client.register(login, 'another password of it', 'Packed').catch((error) => error);
await client.login(login, 'a password of a packed client');
const session = typeof WebSocket === 'undefined' ? undefined : await client.connect();
const me = session === undefined ? await client.me() : await session.request(GET_ACCOUNT, {});
session?.close();
const server = new GameServer({
  gatewayUrl, serverKey, instanceId: 'packed-1', address: 'ws://127.0.0.1:9', capacity: 1, onAssigned() {}, onReleased() {},
});
await server.start();
const games = await server.drain();
server.stop();
console.log(JSON.stringify({ login: me.login === login, refused: refused instanceof WarrenError && refused.code, games }));
`;

const CONSUMER = `
import { type Contract, MATCH_FOUND, type ReplyOf, CREATE_TICKET, type StoredTokens, WarrenClient, WarrenError } from '@warren/client';
import { type Assignment, GameServer, type JoinClaims } from '@warren/game-server-sdk';

export async function play(stored: StoredTokens): Promise<string> {
  const client = new WarrenClient({ baseUrl: 'https://play.example.com', tokens: stored });
  const session = await client.connect({ listen: (events) => events.on(MATCH_FOUND, ({ address, slot }) => use(address, slot)) });
  const ticket: ReplyOf<typeof CREATE_TICKET> = await session.request(CREATE_TICKET, { mode: 'duel' });
  const contract: Contract = CREATE_TICKET;
  // @ts-expect-error a mode is text
  await client.call(CREATE_TICKET, { mode: 7 });
  return ticket.game_id ?? contract.name;
}
const use = (address: string, slot: number): string => address.repeat(slot);

export const server = new GameServer({
  gatewayUrl: 'https://play.example.com',
  serverKey: 'secret',
  instanceId: 'eu-1',
  address: 'wss://eu-1.example.com',
  capacity: 50,
  onAssigned: ({ match }: Assignment, signal) => void (signal.aborted ? 0 : match.players.length),
  onReleased: (gameId: string, reason: string) => void (gameId + reason),
});
export const admit = (ticket: string): Promise<JoinClaims> => server.admit(ticket);
export const codeOf = (error: unknown): string => (error instanceof WarrenError ? error.code : 'none');
`;

let folder: string;
let system: WarrenSystem | undefined;

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'warren-consumer-'));
  const packed = path.join(folder, 'packed');
  system = await WarrenSystem.start();
  const { stdout } = await run(process.execPath, [path.join(REPO, 'tools/src/build_packages.ts'), '--out', packed]);
  await fs.writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  const tarballs = stdout.trim().split('\n');
  expect(tarballs).toHaveLength(2);
  await run('npm', ['install', ...INSTALL, ...tarballs], {
    cwd: folder,
    timeout: STEP_TIMEOUT_MS,
  });
}, STEP_TIMEOUT_MS);

afterAll(async () => {
  const faults = await system?.stop();
  await fs.rm(folder, { recursive: true, force: true });
  expect(faults ?? []).toEqual([]);
}, 60_000);

const installed = (name: string): string => path.join(folder, 'node_modules', '@warren', name);

describe('the packed packages, installed outside of the workspace', () => {
  it('work against a running system in plain JavaScript', { timeout: STEP_TIMEOUT_MS }, async () => {
    await fs.writeFile(path.join(folder, 'script.js'), SCRIPT);
    const { stdout, stderr } = await run(
      process.execPath,
      ['script.js', system?.gatewayUrls[0] ?? '', system?.serverKey ?? ''],
      { cwd: folder, timeout: 60_000 },
    );
    expect([JSON.parse(stdout), stderr]).toEqual([{ login: true, refused: 'AUTH_LOGIN_TAKEN', games: 0 }, '']);
  });

  it('have types that a strict program without skipLibCheck accepts', { timeout: STEP_TIMEOUT_MS }, async () => {
    await fs.writeFile(path.join(folder, 'consumer.ts'), CONSUMER);
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2023', 'dom'],
      types: [],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const exact = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true };
    const config = { compilerOptions: { ...compilerOptions, ...exact }, files: ['consumer.ts'] };
    await fs.writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = path.join(REPO, 'node_modules', 'typescript', 'bin', 'tsc');
    const failure = await run(process.execPath, [tsc, '--project', folder]).catch(
      (error: { stdout?: string }) => error.stdout,
    );
    expect(failure).toMatchObject({ stdout: '' });
  });

  it('bring nothing along: the client is for browsers, and neither holds the code of the platform', async () => {
    const [client, sdk] = await Promise.all(
      ['client', 'game-server-sdk'].map((name) => fs.readFile(path.join(installed(name), 'index.js'), 'utf8')),
    );
    const imported = (code = ''): string[] =>
      [...code.matchAll(/^import .*?"([^"]+)";$/gm)].map(([, name = '']) => name).sort();
    expect(imported(client)).toEqual(['zod']);
    expect(client).not.toMatch(/\b(?:process|Buffer|require|__dirname)\s*[.([]/);
    expect(imported(sdk).filter((name) => !name.startsWith('node:'))).toEqual(['jsonwebtoken', 'zod']);
    for (const code of [client, sdk]) expect(code).not.toMatch(/pino|tsyringe|reflect-metadata|amqplib/);
    const there = (await fs.readdir(path.join(folder, 'node_modules'))).filter((name) =>
      /pino|tsyringe|reflect|amqp|kysely/.test(name),
    );
    expect(there).toEqual([]);
    const files = await fs.readdir(installed('client'), { recursive: true });
    expect(files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))).toEqual([]);
  });
});
