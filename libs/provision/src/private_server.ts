import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, accountInRoot, serverAccount } from './account.ts';
import { endProcessesOf } from './leftovers.ts';
import { freePortNear, isPortFree, waitForFreePort } from './ports.ts';
import { type PrivateState, readAnyState, readState, writeState } from './private_state.ts';
import { isRunning, type ProcessIdentity } from './process_identity.ts';
import { ProvisionError } from './provision_error.ts';
import { newPassword } from './secrets.ts';
import type { ServerKind } from './server_binaries.ts';
import { serverHome } from './server_home.ts';
import { logTail, signalProcess, stopProcess, waitForExit } from './server_process.ts';
import { withStartLock } from './start_lock.ts';

const READY_POLL_MS = 100;
const PROGRESS_EVERY_MS = 5000;
/** New attempts when another program took the chosen port in the meantime. */
const MAX_START_ATTEMPTS = 3;
const KILL_WAIT_MS = 10_000;
const OLD_PORT_WAIT_MS = 3000;
const EPMD_GRACE_MS = 2000;
/** Data that is about to be deleted needs no long farewell. */
const DESTROY_GRACE_MS = 5000;

export interface PrivateServerOptions {
  /**
   * Created when missing. A server started again in the same folder keeps its data, password and, when it is free,
   * its port.
   */
  dataDir: string;
  /** Fails when it is taken; by default a free port below 32768. */
  port?: number;
  /** Let the server outlive this process. By default it is asked to end when this process exits. */
  detached?: boolean;
  /** False trades safety of the data at a power cut for speed: for tests. Default true. */
  durable?: boolean;
  /** How long to wait until the server answers. */
  readyTimeoutMs?: number;
  onProgress?: (line: string) => void;
}

export interface PrivateServer {
  readonly kind: ServerKind;
  /** With user and password. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  readonly logFile: string;
  /** Ends the server in order; the data stays. Does nothing when it no longer runs. */
  stop: () => Promise<void>;
  /** Sends a signal; after SIGKILL it resolves when the process is gone. */
  kill: (signal: NodeJS.Signals) => Promise<void>;
  /** Stops the server and deletes its data. */
  destroy: () => Promise<void>;
}

export interface LaunchContext {
  dataDir: string;
  home: string;
  account: Account | undefined;
  port: number;
  password: string;
  durable: boolean;
  logFile: string;
  previous: PrivateState | undefined;
  onProgress: (line: string) => void;
}

/** What differs between the three servers. */
export interface ServerRecipe {
  kind: ServerKind;
  accountName: string;
  /** The folder with another Debian that it runs in; undefined for this machine. */
  root?: string | undefined;
  plainPathOnly: boolean;
  stopSignal: NodeJS.Signals;
  graceMs: number;
  readyTimeoutMs: number;
  /** Writes configuration, creates the data and starts the process. */
  launch: (context: LaunchContext) => Promise<{ server: ProcessIdentity; rabbit?: PrivateState['rabbit'] }>;
  isReady: (state: PrivateState) => Promise<boolean>;
  url: (state: PrivateState) => string;
}

const logFileOf = (dataDir: string): string => path.join(dataDir, 'server.log');

function isAlive(state: PrivateState | undefined): state is PrivateState & { server: ProcessIdentity } {
  return state?.server !== undefined && isRunning(state.server);
}

async function stopRecorded(recipe: ServerRecipe, state: PrivateState): Promise<void> {
  if (state.server !== undefined)
    await stopProcess(state.server, { signal: recipe.stopSignal, graceMs: recipe.graceMs });
  await stopEpmd(state);
}

/** Erlang's register of nodes outlives its nodes; this one is ours alone. */
async function stopEpmd({ rabbit }: PrivateState): Promise<void> {
  if (rabbit?.epmd !== undefined) await stopProcess(rabbit.epmd, { graceMs: EPMD_GRACE_MS });
}

function withoutProcesses(state: PrivateState): PrivateState {
  const { server: _server, rabbit, ...rest } = state;
  if (rabbit === undefined) return rest;
  const { epmd: _epmd, ...rabbitRest } = rabbit;
  return { ...rest, rabbit: rabbitRest };
}

interface Found {
  recipe: ServerRecipe;
  dataDir: string;
  state: PrivateState & { server: ProcessIdentity };
  onStopped?: () => void;
}

function handleOf({ recipe, dataDir, state, onStopped }: Found): PrivateServer {
  const { server } = state;
  const stop = async (): Promise<void> => {
    await stopRecorded(recipe, state);
    onStopped?.();
    // The folder may hold a newer start by now, whose record must stay.
    if (readState(dataDir, recipe.kind)?.server?.pid === server.pid) writeState(dataDir, withoutProcesses(state));
  };
  return {
    kind: recipe.kind,
    url: recipe.url(state),
    host: '127.0.0.1',
    port: state.port,
    pid: server.pid,
    dataDir,
    logFile: logFileOf(dataDir),
    stop,
    async kill(signal) {
      signalProcess(server, signal);
      if (signal !== 'SIGKILL') return;
      await waitForExit(server, KILL_WAIT_MS);
      await stopEpmd(state);
      onStopped?.();
    },
    async destroy() {
      await stop();
      await endProcessesOf(state.home);
      fs.rmSync(state.home, { recursive: true, force: true });
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function waitUntilReady(recipe: ServerRecipe, state: PrivateState, options: PrivateServerOptions): Promise<void> {
  const started = performance.now();
  const timeoutMs = options.readyTimeoutMs ?? recipe.readyTimeoutMs;
  const logFile = logFileOf(path.resolve(options.dataDir));
  let nextProgress = PROGRESS_EVERY_MS;
  while (!(await recipe.isReady(state))) {
    const elapsed = performance.now() - started;
    if (!isAlive(state)) {
      throw new ProvisionError(
        'PROVISION_SERVER_EXITED',
        `${recipe.kind} ended while starting; ${logFile} says: ${logTail(logFile)}`,
      );
    }
    if (elapsed > timeoutMs) {
      const seconds = Math.round(elapsed / 1000);
      throw new ProvisionError(
        'PROVISION_SERVER_NOT_READY',
        `${recipe.kind} did not answer within ${seconds} s; see ${logFile}.`,
      );
    }
    if (elapsed > nextProgress) {
      options.onProgress?.(`${recipe.kind} is still starting (${Math.round(elapsed / 1000)} s)`);
      nextProgress += PROGRESS_EVERY_MS;
    }
    await delay(READY_POLL_MS);
  }
}

async function choosePort(options: PrivateServerOptions, previous: PrivateState | undefined): Promise<number> {
  if (options.port === undefined) {
    // a server that was killed a moment ago may still hold it: its threads end one after the other
    if (previous !== undefined) await waitForFreePort(previous.port, OLD_PORT_WAIT_MS);
    return freePortNear(previous?.port);
  }
  if (await isPortFree(options.port)) return options.port;
  throw new ProvisionError('PROVISION_NO_FREE_PORT', `Port ${options.port} is taken.`);
}

// Without the record nobody knows the password of the data; it is kept, but cannot be used.
async function setAsideLostHome(dataDir: string, options: PrivateServerOptions): Promise<void> {
  const home = path.join(dataDir, 'home');
  if (!fs.existsSync(home)) return;
  await endProcessesOf(home);
  const aside = `${home}.lost-${Date.now()}`;
  fs.renameSync(home, aside);
  options.onProgress?.(`the record of ${dataDir} is lost; its data was set aside as ${aside}`);
}

async function launch(
  recipe: ServerRecipe,
  options: PrivateServerOptions,
): Promise<PrivateState & { server: ProcessIdentity }> {
  const dataDir = path.resolve(options.dataDir);
  const previous = readState(dataDir, recipe.kind);
  if (previous !== undefined) await stopRecorded(recipe, previous);
  else await setAsideLostHome(dataDir, options);
  const port = await choosePort(options, previous);
  const { accountName, root } = recipe;
  const account = root === undefined ? serverAccount(accountName) : accountInRoot(accountName, root);
  const home = serverHome({ dataDir, known: previous?.home, account, plainPathOnly: recipe.plainPathOnly });
  await endProcessesOf(home);
  const password = previous?.password ?? newPassword();
  const base: PrivateState = { ...previous, kind: recipe.kind, home, port, password };
  // Recorded before the start: the password is about to be written into the server's own data.
  writeState(dataDir, withoutProcesses(base));
  const onProgress = options.onProgress ?? (() => undefined);
  onProgress(`starting a private ${recipe.kind} on port ${port}`);
  const context = { dataDir, home, account, port, password, durable: options.durable ?? true, previous, onProgress };
  const launched = await recipe.launch({ ...context, logFile: logFileOf(dataDir) });
  const state = { ...base, ...launched };
  writeState(dataDir, state);
  try {
    await waitUntilReady(recipe, state, options);
  } catch (error) {
    await stopRecorded(recipe, state);
    writeState(dataDir, withoutProcesses(state));
    throw error;
  }
  return state;
}

async function launchOnFreePort(recipe: ServerRecipe, options: PrivateServerOptions): ReturnType<typeof launch> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(recipe, options);
    } catch (error) {
      const port = readState(path.resolve(options.dataDir), recipe.kind)?.port;
      const exited = error instanceof ProvisionError && error.code === 'PROVISION_SERVER_EXITED';
      const portWasTaken = exited && options.port === undefined && port !== undefined && !(await isPortFree(port));
      if (!portWasTaken || attempt === MAX_START_ATTEMPTS) throw error;
    }
  }
}

/** Ends whatever server was recorded in the data folder, running or not, and deletes its data and the folder. */
export async function destroyPrivateServer(dataDir: string): Promise<void> {
  const resolved = path.resolve(dataDir);
  const state = readAnyState(resolved);
  for (const identity of [state?.server, state?.rabbit?.epmd]) {
    if (identity !== undefined) await stopProcess(identity, { graceMs: DESTROY_GRACE_MS });
  }
  for (const home of [path.join(resolved, 'home'), state?.home ?? resolved]) {
    await endProcessesOf(home);
    fs.rmSync(home, { recursive: true, force: true });
  }
  fs.rmSync(resolved, { recursive: true, force: true });
}

/** The running server of a data folder, or undefined when none runs there that answers. */
export async function adoptServer(
  recipe: ServerRecipe,
  dataDir: string,
): Promise<{ server: PrivateServer; state: PrivateState } | undefined> {
  const resolved = path.resolve(dataDir);
  const state = readState(resolved, recipe.kind);
  if (!isAlive(state) || !(await recipe.isReady(state))) return undefined;
  return { server: handleOf({ recipe, dataDir: resolved, state }), state };
}

/**
 * Starts the server of a data folder, or adopts the one that runs there already. What a killed one left behind is
 * cleaned up first.
 */
export function startServer(
  recipe: ServerRecipe,
  options: PrivateServerOptions,
): Promise<{ server: PrivateServer; state: PrivateState }> {
  const dataDir = path.resolve(options.dataDir);
  return withStartLock(dataDir, async () => {
    const running = await adoptServer(recipe, dataDir);
    if (running !== undefined) return running;
    const state = await launchOnFreePort(recipe, options);
    const onStopped = options.detached === true ? () => undefined : endWithThisProcess(recipe, state);
    return { server: handleOf({ recipe, dataDir, state, onStopped }), state };
  });
}

/** Returns how to take that back. */
function endWithThisProcess(recipe: ServerRecipe, state: PrivateState & { server: ProcessIdentity }): () => void {
  const end = (): void => {
    signalProcess(state.server, recipe.stopSignal);
    if (state.rabbit?.epmd !== undefined) signalProcess(state.rabbit.epmd, 'SIGTERM');
  };
  process.once('exit', end);
  return () => process.off('exit', end);
}
