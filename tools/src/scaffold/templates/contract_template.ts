import type { CommandSpec } from '../command_spec.ts';
import { fieldsOf } from '../command_spec.ts';
import { isRead, type Rule } from '../rules.ts';
import { capital, withArticle } from '../words.ts';

const MAX_NAME_CHARS = 64;
/** What anybody may send without a login is small. */
const MAX_ANONYMOUS_BYTES = 4_096;

export const replyName = ({ noun }: CommandSpec): string => `${noun.pascal}Reply`;
export const dtoName = ({ command }: CommandSpec): string => `${command.pascal}Dto`;

/** What the fields module has to give for this command. */
export function fieldImports(spec: CommandSpec, newNoun: boolean): string[] {
  const fields = fieldsOf(spec);
  return [
    ...(fields.some((field) => field.endsWith('_id')) || newNoun ? ['IdField'] : []),
    ...(fields.includes('name') ? ['label'] : []),
    ...(newNoun ? ['TimeField'] : []),
  ];
}

/** The reply of every command about a noun. */
export function replySource(spec: CommandSpec): string {
  const name = replyName(spec);
  return `export const ${name} = z.object({
  ${spec.noun.snake}_id: IdField,
  player_id: IdField,
  name: z.string(),
  created_at: TimeField,
});
export type ${name} = z.output<typeof ${name}>;
`;
}

const SUMMARIES: Readonly<Record<Rule, (spec: CommandSpec) => string>> = {
  add: ({ noun, nouns, access }) =>
    access === 'player'
      ? `Gives you ${withArticle(noun.spoken)}. No two ${nouns.spoken} of a player have the same name.`
      : `Gives a player ${withArticle(noun.spoken)}. No two ${nouns.spoken} of a player have the same name.`,
  get: ({ noun, access }) =>
    access === 'player' ? `${capital(withArticle(noun.spoken))} of your own.` : `${capital(withArticle(noun.spoken))}.`,
  rename: ({ noun, nouns }) =>
    `Renames ${withArticle(noun.spoken)}. No two ${nouns.spoken} of a player have the same name.`,
  remove: ({ noun }) => `Takes ${withArticle(noun.spoken)} away from a player.`,
};

export function contractSource(spec: CommandSpec, pick: string): string {
  const { command, access, http, ws } = spec;
  const dto = dtoName(spec);
  const exposure = access === 'service' ? 'internal' : 'public';
  const codes = errorsOf(spec).map(([code]) => `'${code}'`);
  return `export const ${dto} = z.object({ ${fieldsOf(spec).map(fieldSource).join(', ')} });
export type ${dto} = z.output<typeof ${dto}>;

export const ${command.upper} = defineContract({
  name: '${spec.name}',
  summary: '${SUMMARIES[spec.rule](spec)}',
  exposure: '${exposure}',
  access: ${accessSource(spec)},
  ${spec.way === 'command' ? "ways: ['command'],\n" : ''}${
    http === undefined ? '' : `http: { method: '${http.method}', path: '${http.path}', status: ${http.status} },\n`
  }${ws === undefined ? '' : `ws: '${ws}',\n`}dto: ${dto},
  reply: ${replyName(spec)},
  errors: ${pick}(${codes.join(', ')}),
  idempotency: '${isRead(spec.rule) ? 'read' : 'inbox'}',
  ${access === 'anonymous' ? `limits: { maxBytes: ${MAX_ANONYMOUS_BYTES} },` : ''}
});

`;
}

const fieldSource = (field: string): string =>
  field === 'name' ? `name: label(1, ${MAX_NAME_CHARS})` : `${field}: IdField`;

function accessSource({ access, callers }: CommandSpec): string {
  const names = callers.map((caller) => `'${caller}'`).join(', ');
  return access === 'service' ? `{ kind: 'service', callers: [${names}] }` : `{ kind: '${access}' }`;
}

/** Codes that the command's own rule may end in, with their rows of the error table. */
export function errorsOf({ rule, prefix, noun }: CommandSpec): [code: string, row: string][] {
  const code = (fact: string): string => `${prefix.toUpperCase()}_${noun.upper}_${fact}`;
  const row = (kind: string, message: string): string => `{ kind: '${kind}', message: '${message}', retryable: false }`;
  const notFound: [string, string] = [code('NOT_FOUND'), row('not_found', `There is no such ${noun.spoken}.`)];
  const exists: [string, string] = [
    code('EXISTS'),
    row('conflict', `There is ${withArticle(noun.spoken)} of this name already.`),
  ];
  const limit: [string, string] = [code('LIMIT'), row('conflict', `There is no room for another ${noun.spoken}.`)];
  return { add: [exists, limit], get: [notFound], rename: [exists, notFound], remove: [notFound] }[rule];
}
