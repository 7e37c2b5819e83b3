import fs from 'node:fs';
import path from 'node:path';
import { type RunOptions, runCommand } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { withProgress } from '../output.ts';
import { ToolError } from '../tool_error.ts';

const ANSWER_MS = 3_000;
const UP_TIMEOUT_MS = 10 * 60_000;
const MAX_MESSAGE_CHARS = 300;

/** The services of docker-compose.yml that are servers, with the port each has inside its container. */
const BACKING = { rabbitmq: 5672, postgres: 5432, redis: 6379 } as const;

/** Whether an engine answers and knows compose, within three seconds; undefined when so, otherwise why not. */
export async function dockerFailure(root: string): Promise<string | undefined> {
  if (!fs.existsSync(path.join(root, 'docker-compose.yml'))) return 'there is no docker-compose.yml';
  const engine = await runCommand(['docker', 'version', '--format', '{{.Server.Version}}'], { timeoutMs: ANSWER_MS });
  if (engine.code === 127) return 'docker is not installed';
  if (engine.code !== 0) return 'no Docker engine answers';
  const compose = await runCommand(['docker', 'compose', 'version'], { timeoutMs: ANSWER_MS });
  return compose.code === 0 ? undefined : 'docker has no compose';
}

/** The compose project of this clone, as the beginning of a command. */
export function composeCommand(clone: Clone): string[] {
  const file = path.join(clone.root, 'docker-compose.yml');
  const env = fs.existsSync(clone.envFile) ? ['--env-file', clone.envFile] : [];
  return ['docker', 'compose', '-f', file, ...env, '-p', `warren-${clone.id}`];
}

async function compose(clone: Clone, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await runCommand([...composeCommand(clone), ...args], options);
  if (result.code === 0) return result.stdout;
  throw new ToolError(`docker compose ${args[0] ?? ''} failed: ${result.stderr.trim().slice(-MAX_MESSAGE_CHARS)}`);
}

/** Starts a service and waits until it is healthy; resolves to its port on 127.0.0.1. */
export async function composeUp(clone: Clone, service: keyof typeof BACKING): Promise<number> {
  await withProgress(`docker compose up ${service}`, (progress) =>
    compose(clone, ['up', '-d', '--wait', service], {
      timeoutMs: UP_TIMEOUT_MS,
      onLine: (line) => progress.note(line),
    }),
  );
  return publishedPort(clone, service);
}

async function publishedPort(clone: Clone, service: keyof typeof BACKING): Promise<number> {
  const text = await compose(clone, ['port', service, String(BACKING[service])]);
  const port = Number(/:(\d+)\s*$/.exec(text)?.[1]);
  if (Number.isInteger(port) && port > 0) return port;
  throw new ToolError(`docker-compose.yml publishes no port of ${service}.`);
}

/** Stops the containers of this clone; their volumes stay unless `withData`. */
export async function composeDown(clone: Clone, withData: boolean): Promise<void> {
  await compose(clone, ['down', ...(withData ? ['--volumes'] : [])], { timeoutMs: UP_TIMEOUT_MS });
}
