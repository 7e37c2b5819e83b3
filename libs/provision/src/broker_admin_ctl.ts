import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type {
  AdminFailure,
  AdminOperations,
  AdminResult,
  ConsumerState,
  CtlAdmin,
  QueueState,
} from './admin_operations.ts';
import { ExportedDefinitions } from './exported_definitions.ts';
import { type RunResult, runCommand } from './run_command.ts';

/** Names per `eval`: an argument of a program is limited to 128 KiB by the kernel. */
const MAX_NAMES_PER_EVAL = 500;
const CTL_TIMEOUT_MS = 120_000;
const MAX_EXPORTS = 5;
const EXPORT_PAUSE_MS = 200;
/** As much of the tool's complaint as is worth repeating. */
const MAX_MESSAGE_CHARS = 600;

// A node that is down makes the tool print advice about cookies too: only what really happened may match.
const SYMPTOMS: readonly [RegExp, AdminFailure][] = [
  // a node that runs is in the register of nodes, so where there is no register there is none
  [/nodistribution/i, 'unreachable'],
  [/only root or rabbitmq|authentication failed|distribution failed|eacces|permission denied/i, 'not_permitted'],
  [/unable to perform an operation on node|nodedown|unable to connect|no answer within/i, 'unreachable'],
];

function failureOf(result: RunResult): AdminFailure {
  if (result.code === 127) return 'missing';
  if (result.code === 126) return 'not_permitted';
  const text = `${result.stdout}\n${result.stderr}`;
  return SYMPTOMS.find(([pattern]) => pattern.test(text))?.[1] ?? 'failed';
}

async function ctl(admin: CtlAdmin, args: readonly string[], stdin?: string): Promise<AdminResult<string>> {
  const result = await runCommand([...admin.command, ...args], {
    env: admin.env,
    timeoutMs: CTL_TIMEOUT_MS,
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (result.code === 0) return { ok: true, value: result.stdout };
  const said = (result.stderr.trim() || result.stdout.trim()).slice(0, MAX_MESSAGE_CHARS);
  return { ok: false, reason: failureOf(result), message: `${admin.command.join(' ')} ${args[0] ?? ''}: ${said}` };
}

/**
 * Runs one Erlang expression inside the broker and returns what it printed. The expression must not hold `$`, a
 * backtick or a backslash: Debian's wrapper passes it through a shell.
 */
export function evalErlang(admin: CtlAdmin, expression: string): Promise<AdminResult<string>> {
  return ctl(admin, ['-q', 'eval', expression]);
}

// Base64 keeps names with quotes or dollars away from the shell of Debian's wrapper and from Erlang's syntax.
function erlangList(names: readonly string[]): string {
  return `[${names.map((name) => `base64:decode("${Buffer.from(name).toString('base64')}")`).join(',')}]`;
}

async function evalForEach(admin: CtlAdmin, names: readonly string[], call: string): Promise<AdminResult<void>> {
  for (let start = 0; start < names.length; start += MAX_NAMES_PER_EVAL) {
    const list = erlangList(names.slice(start, start + MAX_NAMES_PER_EVAL));
    const result = await evalErlang(admin, `lists:foreach(fun(N) -> catch ${call} end, ${list}).`);
    if (!result.ok) return result;
  }
  return { ok: true, value: undefined };
}

async function list<T>(admin: CtlAdmin, args: readonly string[], schema: z.ZodType<T>): Promise<AdminResult<T[]>> {
  return printed(admin, [...args, '--formatter', 'json'], z.array(schema));
}

async function printed<T>(admin: CtlAdmin, args: readonly string[], schema: z.ZodType<T>): Promise<AdminResult<T>> {
  const result = await ctl(admin, ['-q', ...args]);
  if (!result.ok) return result;
  const parsed = schema.safeParse(parseJson(result.value));
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, reason: 'failed', message: `${args[0] ?? ''} printed something unexpected` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const Named = z.object({ name: z.string() });
const User = z.object({ user: z.string() });
const Queue: z.ZodType<QueueState> = z
  .object({ name: z.string(), type: z.string(), messages: z.number(), consumers: z.number() })
  .transform(({ name, type, messages, consumers }) => ({ name, type: shortType(type), messages, consumers }));

const Consumer: z.ZodType<ConsumerState> = z
  .object({ queue_name: z.string(), prefetch_count: z.number(), ack_required: z.boolean() })
  .transform((found) => ({ queue: found.queue_name, prefetch: found.prefetch_count, acks: found.ack_required }));

// 3.10 prints the module name (rabbit_quorum_queue), newer versions the short name; the management API always the short
// one.
function shortType(type: string): string {
  return type.replace(/^rabbit_(\w+)_queue$/, '$1');
}

function names<T>(result: AdminResult<T[]>, nameOf: (item: T) => string): AdminResult<string[]> {
  return result.ok ? { ok: true, value: result.value.map(nameOf) } : result;
}

/** The tool of 3.10 prints an error, and ends with 0, when something is deleted while it lists everything. */
async function exported(admin: CtlAdmin): Promise<AdminResult<ExportedDefinitions>> {
  for (let tries = 1; ; tries++) {
    const result = await printed(admin, ['export_definitions', '-', '--format', 'json'], ExportedDefinitions);
    if (result.ok || result.reason !== 'failed' || tries === MAX_EXPORTS) return result;
    await delay(EXPORT_PAUSE_MS);
  }
}

export function ctlAdmin(admin: CtlAdmin): AdminOperations {
  return {
    exportDefinitions: () => exported(admin),
    async importDefinitions(definitions) {
      // On standard input, and not in a file: the tool may run as another user, who could not read a private one. Not by
      // import_definitions, whose standard input RabbitMQ 4.0 shuts.
      const json = Buffer.from(JSON.stringify(definitions)).toString('base64');
      const result = await ctl(admin, ['eval'], `ok = rabbit_definitions:import_raw(base64:decode("${json}")).`);
      return result.ok ? { ok: true, value: undefined } : result;
    },
    deleteVhosts: (vhosts) => evalForEach(admin, vhosts, 'rabbit_vhost:delete(N, <<"warren">>)'),
    deleteUsers: (users) => evalForEach(admin, users, 'rabbit_auth_backend_internal:delete_user(N, <<"warren">>)'),
    listVhosts: async () => names(await list(admin, ['list_vhosts', 'name'], Named), (item) => item.name),
    listUsers: async () => names(await list(admin, ['list_users'], User), (item) => item.user),
    listQueues: (vhost) => list(admin, ['list_queues', '-p', vhost, 'name', 'type', 'messages', 'consumers'], Queue),
    listConsumers: (vhost) =>
      list(admin, ['list_consumers', '-p', vhost, 'queue_name', 'prefetch_count', 'ack_required'], Consumer),
  };
}
