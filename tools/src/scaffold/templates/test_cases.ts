import type { CommandSpec } from '../command_spec.ts';
import type { Rule } from '../rules.ts';
import { withArticle } from '../words.ts';

/** Names that the tests give. */
const [FIRST, SECOND] = ['lantern', 'rope'];

/** The cases that a command of this kind has to pass, each the source of a test. */
export const casesOf = (spec: CommandSpec): string[] =>
  spec.way === 'command' ? DURABLE[spec.rule](spec) : [...CALLED[spec.rule](spec), ...forbidden(spec)];

/** Who calls, as the options of \`kit.call\`; the player where the caller is one. */
function by({ access, callers }: CommandSpec, owner = 'actor'): string {
  if (access === 'player') return owner === 'actor' ? owner : `actor: ${owner}`;
  if (access === 'server') return "actor: server('arena-1')";
  return access === 'anonymous' ? "actor: { kind: 'anonymous' }" : `from: '${callers[0] ?? ''}'`;
}

/** The DTO: ids and name as far as the command has them. */
function dto(
  spec: CommandSpec,
  parts: { readonly owner: string; readonly id?: string; readonly name?: string },
): string {
  const { access, rule, noun } = spec;
  const fields = [
    ...(access === 'player' || rule === 'get' ? [] : [`player_id: ${parts.owner}.id`]),
    ...(parts.id === undefined ? [] : [`${noun.snake}_id: ${parts.id}`]),
    ...(parts.name === undefined ? [] : [parts.name === 'name' ? 'name' : `name: ${parts.name}`]),
  ];
  return `{ ${fields.join(', ')} }`;
}

const refused = (spec: CommandSpec, fact: string): string =>
  `rejects.toMatchObject({ code: '${spec.prefix.toUpperCase()}_${spec.noun.upper}_${fact}' })`;

const named = (name: string): string => `'${name}'`;

const CALLED: Readonly<Record<Rule, (spec: CommandSpec) => string[]>> = {
  add: (spec) => [addsOnce(spec), refusesName(spec), holdsLimit(spec)],
  get: (spec) => [getsOne(spec)],
  rename: (spec) => [renames(spec)],
  remove: (spec) => [removes(spec)],
};

const addsOnce = (
  spec: CommandSpec,
): string => `test('${spec.name} gives a player ${withArticle(spec.noun.spoken)}, and the same call repeated gives no second one', async () => {
  const actor = player();
  const messageId = newId();
  const dto = ${dto(spec, { owner: 'actor', name: named(FIRST) })};
  const first = await kit.call(${spec.command.upper}, dto, { ${by(spec)}, messageId });
  expect(first).toMatchObject({ player_id: actor.id, name: '${FIRST}' });
  expect(await kit.call(${spec.command.upper}, dto, { ${by(spec)}, messageId })).toEqual(first);
  expect(await kit.rows(\`SELECT name FROM ${spec.nouns.snake} WHERE player_id = '\${actor.id}'\`)).toEqual([{ name: '${FIRST}' }]);
});`;

const refusesName = (
  spec: CommandSpec,
): string => `test('${spec.name} refuses a name that the player has; another player may have it', async () => {
  const [actor, other] = [player(), player()];
  await kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', name: named(FIRST) })}, { ${by(spec)} });
  const again = kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', name: named(FIRST) })}, { ${by(spec)} });
  await expect(again).${refused(spec, 'EXISTS')};
  const elsewhere = await kit.call(${spec.command.upper}, ${dto(spec, { owner: 'other', name: named(FIRST) })}, { ${by(spec, 'other')} });
  expect(elsewhere.player_id).toBe(other.id);
});`;

const holdsLimit = (
  spec: CommandSpec,
): string => `test('of calls of ${spec.name} that come at once no more pass than there is room for', async () => {
  const actor = player();
  await kit.rows(\`
    INSERT INTO ${spec.nouns.snake} (id, player_id, name)
    SELECT gen_random_uuid(), '\${actor.id}', 'number ' || n FROM generate_series(1, 98) AS n\`);
  const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', name: 'name' })}, { ${by(spec)} }));
  const outcomes = await Promise.allSettled(calls);
  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  expect(refusals).toHaveLength(4);
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: '${spec.prefix.toUpperCase()}_${spec.noun.upper}_LIMIT' });
});`;

const getsOne = (spec: CommandSpec): string => {
  const own = spec.access === 'player';
  return `test('${spec.name} shows ${withArticle(spec.noun.spoken)}${own ? ' to its player and to nobody else' : ''}, and refuses an id that is none', async () => {
  const actor = player();
  const id = await stored(actor.id, '${FIRST}');
  const found = await kit.call(${spec.command.upper}, { ${spec.noun.snake}_id: id }, { ${by(spec)} });
  expect(found).toMatchObject({ ${spec.noun.snake}_id: id, player_id: actor.id, name: '${FIRST}' });
${own ? `  const strange = kit.call(${spec.command.upper}, { ${spec.noun.snake}_id: id }, { actor: player() });\n  await expect(strange).${refused(spec, 'NOT_FOUND')};\n` : ''}  const none = kit.call(${spec.command.upper}, { ${spec.noun.snake}_id: newId() }, { ${by(spec)} });
  await expect(none).${refused(spec, 'NOT_FOUND')};
});`;
};

const renames = (
  spec: CommandSpec,
): string => `test('${spec.name} gives another name, refuses one that the player has, and knows only what is the player’s', async () => {
  const [actor, other] = [player(), player()];
  const id = await stored(actor.id, '${FIRST}');
  await stored(actor.id, 'taken');
  const renamed = await kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', id: 'id', name: named(SECOND) })}, { ${by(spec)} });
  expect(renamed).toMatchObject({ ${spec.noun.snake}_id: id, player_id: actor.id, name: '${SECOND}' });
  const taken = kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', id: 'id', name: named('taken') })}, { ${by(spec)} });
  await expect(taken).${refused(spec, 'EXISTS')};
  const strange = kit.call(${spec.command.upper}, ${dto(spec, { owner: 'other', id: 'id', name: named('mine') })}, { ${by(spec, 'other')} });
  await expect(strange).${refused(spec, 'NOT_FOUND')};
  expect(await kit.rows(\`SELECT name FROM ${spec.nouns.snake} WHERE id = '\${id}'\`)).toEqual([{ name: '${SECOND}' }]);
});`;

const removes = (
  spec: CommandSpec,
): string => `test('${spec.name} takes ${withArticle(spec.noun.spoken)} away once, and only from its player', async () => {
  const [actor, other] = [player(), player()];
  const id = await stored(actor.id, '${FIRST}');
  const strange = kit.call(${spec.command.upper}, ${dto(spec, { owner: 'other', id: 'id' })}, { ${by(spec, 'other')} });
  await expect(strange).${refused(spec, 'NOT_FOUND')};
  const messageId = newId();
  const removed = await kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', id: 'id' })}, { ${by(spec)}, messageId });
  expect(removed).toMatchObject({ ${spec.noun.snake}_id: id, name: '${FIRST}' });
  expect(await kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', id: 'id' })}, { ${by(spec)}, messageId })).toEqual(removed);
  const again = kit.call(${spec.command.upper}, ${dto(spec, { owner: 'actor', id: 'id' })}, { ${by(spec)} });
  await expect(again).${refused(spec, 'NOT_FOUND')};
});`;

/** Somebody whom the contract does not name. */
function forbidden(spec: CommandSpec): string[] {
  const { access, rule, name, command } = spec;
  if (access === 'anonymous') return [];
  const stranger = access === 'player' ? "server('arena-1')" : 'player()';
  const parts = {
    owner: 'actor',
    ...(rule === 'add' ? {} : { id: 'newId()' }),
    ...(rule === 'add' || rule === 'rename' ? { name: named(FIRST) } : {}),
  };
  const who = { player: 'players', server: 'game servers', service: spec.callers.join(' and '), anonymous: '' }[access];
  const fields = dto(spec, parts);
  return [
    `test('${name} is for ${who} only', async () => {
${fields.includes('actor.id') ? `  const actor = ${stranger};\n` : ''}  const call = kit.call(${command.upper}, ${fields}, { actor${fields.includes('actor.id') ? '' : `: ${stranger}`} });
  await expect(call).rejects.toMatchObject({ code: 'ACCESS_FORBIDDEN' });
});`,
  ];
}

/** Nobody waits for a durable command: what shows its effect is the table. */
const DURABLE: Readonly<Record<Rule, (spec: CommandSpec) => string[]>> = {
  add: (spec) => [
    durable(spec, {
      title: 'is done once however often it is sent',
      dto: dto(spec, { owner: 'actor', name: named(FIRST) }),
      before: '',
      select: `SELECT name FROM ${spec.nouns.snake} WHERE player_id = '\${actor.id}'`,
      after: `[{ name: '${FIRST}' }]`,
    }),
  ],
  get: () => [],
  rename: (spec) => [
    durable(spec, {
      title: 'gives another name',
      dto: dto(spec, { owner: 'actor', id: 'id', name: named(SECOND) }),
      before: `  const id = await stored(actor.id, '${FIRST}');\n`,
      select: `SELECT name FROM ${spec.nouns.snake} WHERE id = '\${id}'`,
      after: `[{ name: '${SECOND}' }]`,
    }),
  ],
  remove: (spec) => [
    durable(spec, {
      title: `takes ${withArticle(spec.noun.spoken)} away`,
      dto: dto(spec, { owner: 'actor', id: 'id' }),
      before: `  const id = await stored(actor.id, '${FIRST}');\n`,
      select: `SELECT name FROM ${spec.nouns.snake} WHERE id = '\${id}'`,
      after: '[]',
    }),
  ],
};

interface Durable {
  readonly title: string;
  readonly dto: string;
  readonly before: string;
  readonly select: string;
  readonly after: string;
}

function durable(spec: CommandSpec, parts: Durable): string {
  return `test('${spec.name}, a durable command, ${parts.title}', async () => {
  const actor = player();
${parts.before}  const messageId = newId();
  const dto = ${parts.dto};
  for (let i = 0; i < 3; i++) await kit.send(${spec.command.upper}, dto, { ${by(spec)}, messageId });
  await expect.poll(() => kit.rows(\`${parts.select}\`), { timeout: 20_000 }).toEqual(${parts.after});
});`;
}
