import { ToolError } from '../tool_error.ts';
import type { CommandWish, CommandWorld } from './command_spec.ts';
import { isRead, type Rule } from './rules.ts';
import { isSnake, pluralOf } from './words.ts';

const MAX_NAME_CHARS = 40;
/** Plurals that SQL keeps for itself, and tables that every service has. */
const TAKEN_TABLES = new Set(['references', 'values', 'inbox', 'outbox', 'schema_migrations']);
const OPERATOR = 'ops';

/** @throws ToolError for a name that is wrong or taken */
export function checkName(name: string, { prefix, contracts }: CommandWorld): void {
  if (!isSnake(name) || !name.includes('_') || name.length > MAX_NAME_CHARS)
    throw new ToolError(
      `"${name}" is no name of a command: write <verb>_<noun> in lower-case letters, such as grant_item, with at most ${MAX_NAME_CHARS} characters.`,
    );
  if (contracts.some((contract) => contract.name === `${prefix}.${name}`))
    throw new ToolError(`${prefix}.${name} is there already.`);
}

/** @throws ToolError for a noun that cannot name a table */
export function checkNoun(noun: string): void {
  if (TAKEN_TABLES.has(pluralOf(noun)) || TAKEN_TABLES.has(noun))
    throw new ToolError(`"${noun}" cannot name a table: choose another noun.`);
}

interface Asked extends CommandWish {
  readonly reads: boolean;
  readonly forServices: boolean;
}

/** What does not go together, with the sentence that says what does. */
const REFUSALS: readonly (readonly [wrong: (asked: Asked) => boolean, sentence: string])[] = [
  [
    ({ access, reads }) => access === 'anonymous' && !reads,
    'Nobody owns what an anonymous caller writes: give --access player, or --read.',
  ],
  [
    ({ way, forServices }) => way === 'command' && !forServices,
    'Players and game servers wait for a reply: a durable command is for --access service.',
  ],
  [
    ({ way, reads }) => way === 'command' && reads,
    'Nobody waits for the reply of a durable command: a read is --way rpc.',
  ],
  [
    ({ forServices, http }) => forServices && http !== undefined,
    'A command for services has no HTTP route: leave --http out.',
  ],
  [
    ({ forServices, callers }) => forServices && callers.length === 0,
    'Say which services may send it: --callers coordinator.',
  ],
  [
    ({ forServices, callers }) => !forServices && callers.length > 0,
    '--callers belongs to --access service: players and game servers come through the gateway.',
  ],
];

/** @throws ToolError for options that contradict each other, and for a caller that is no service */
export function checkAccess(wish: CommandWish, rule: Rule, { prefix, services }: CommandWorld): void {
  const asked = { ...wish, reads: isRead(rule), forServices: wish.access === 'service' };
  const refusal = REFUSALS.find(([wrong]) => wrong(asked));
  if (refusal !== undefined) throw new ToolError(refusal[1]);
  const others = [OPERATOR, ...services.map((service) => service.prefix)].filter((name) => name !== prefix);
  const stranger = wish.callers.find((caller) => !others.includes(caller));
  if (stranger !== undefined)
    throw new ToolError(`The caller ${stranger} is none of the other services: ${others.join(', ')}.`);
}
