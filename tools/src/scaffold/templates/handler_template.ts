import type { CommandSpec } from '../command_spec.ts';
import { importSource, typeNamed, valueNamed } from '../insertions.ts';
import type { Rule } from '../rules.ts';
import { capital, withArticle } from '../words.ts';
import { dtoName, replyName } from './contract_template.ts';
import { limitName, repositoryName } from './repository_template.ts';

export const handlerName = ({ command }: CommandSpec): string => `${command.pascal}Handler`;

/** Property of the handler's dependencies: the repository, by the plural of its noun. */
export const dependencyName = ({ nouns }: CommandSpec): string => nouns.camel;

const SENTENCES: Readonly<Record<Rule, (spec: CommandSpec) => string>> = {
  add: ({ noun }) =>
    `Gives a player one more ${noun.spoken}, if there is room for it and its name is new to the player.`,
  get: ({ noun, access }) =>
    access === 'player'
      ? `${capital(withArticle(noun.spoken))} of one's own; another player's looks like none.`
      : `Any ${noun.spoken}.`,
  rename: ({ noun }) => `Gives ${withArticle(noun.spoken)} of a player another name, if it is new to the player.`,
  remove: ({ noun }) => `Takes ${withArticle(noun.spoken)} from its player; another player's looks like none.`,
};

/** `errors` is the module of `raise`, seen from the folder of the handlers. */
export function handlerSource(spec: CommandSpec, errors: string): string {
  const { command, access } = spec;
  const [repository, deps] = [repositoryName(spec), dependencyName(spec)];
  const context = access === 'player' ? '{ tx, command }' : '{ tx }';
  return `${importsOf(spec, errors)}
/** ${SENTENCES[spec.rule](spec)} */
export class ${handlerName(spec)} implements HandlerFor<typeof ${command.upper}> {
  readonly #${deps}: ${repository};

  constructor(deps: { readonly ${deps}: ${repository} }) {
    this.#${deps} = deps.${deps};
  }

  async apply(dto: ${dtoName(spec)}, ${context}: ApplyContext): Promise<${replyName(spec)}> {
${ownerLine(spec)}${BODIES[spec.rule](spec)}
  }
}
`;
}

function importsOf(spec: CommandSpec, errors: string): string {
  const { command, access, rule, noun } = spec;
  const base = ['ApplyContext', 'HandlerFor'].map(typeNamed);
  const contracts = [command.upper, dtoName(spec), replyName(spec)].map(typeNamed);
  const limit = rule === 'add' ? [valueNamed(limitName(spec))] : [];
  return [
    importSource('@warren/command-center', access === 'player' ? [...base, valueNamed('playerIdOf')] : base),
    importSource('@warren/contracts', contracts),
    importSource(errors, [valueNamed('raise')]),
    importSource(`../repositories/${noun.snake}_repository.ts`, [typeNamed(repositoryName(spec)), ...limit]),
  ].join('');
}

function ownerLine({ rule, access }: CommandSpec): string {
  if (access === 'player') return '    const playerId = playerIdOf(command);\n';
  return rule === 'get' ? '' : '    const playerId = dto.player_id;\n';
}

const refusal = ({ prefix, noun }: CommandSpec, fact: string): string =>
  `throw raise('${prefix.toUpperCase()}_${noun.upper}_${fact}');`;

const BODIES: Readonly<Record<Rule, (spec: CommandSpec) => string>> = {
  add: (spec) => `    await this.#${spec.nouns.camel}.lockPlayer(tx, playerId);
    const count = await this.#${spec.nouns.camel}.count(tx, playerId);
    if (count >= ${limitName(spec)}) ${refusal(spec, 'LIMIT')}
    const added = await this.#${spec.nouns.camel}.add(tx, playerId, dto.name);
    if (added === undefined) ${refusal(spec, 'EXISTS')}
    return added;`,
  get: (spec) => `    const found = await this.#${spec.nouns.camel}.find(tx, dto.${spec.noun.snake}_id);
    if (found === undefined${spec.access === 'player' ? ' || found.player_id !== playerId' : ''}) ${refusal(spec, 'NOT_FOUND')}
    return found;`,
  rename: (spec) => `    await this.#${spec.nouns.camel}.lockPlayer(tx, playerId);
    const found = await this.#${spec.nouns.camel}.find(tx, dto.${spec.noun.snake}_id);
    if (found?.player_id !== playerId) ${refusal(spec, 'NOT_FOUND')}
    const renamed = await this.#${spec.nouns.camel}.rename(tx, dto.${spec.noun.snake}_id, dto.name);
    if (renamed === undefined) ${refusal(spec, 'EXISTS')}
    return renamed;`,
  remove: (spec) => `    await this.#${spec.nouns.camel}.lockPlayer(tx, playerId);
    const removed = await this.#${spec.nouns.camel}.remove(tx, playerId, dto.${spec.noun.snake}_id);
    if (removed === undefined) ${refusal(spec, 'NOT_FOUND')}
    return removed;`,
};
