import type { CommandSpec } from '../command_spec.ts';
import type { Rule } from '../rules.ts';

/** Methods that a command of each rule asks of its repository. */
export const METHODS: Readonly<Record<Rule, readonly Method[]>> = {
  add: ['lockPlayer', 'count', 'add'],
  get: ['find'],
  rename: ['lockPlayer', 'find', 'rename'],
  remove: ['lockPlayer', 'remove'],
};
type Method = 'lockPlayer' | 'count' | 'add' | 'find' | 'rename' | 'remove';

export const repositoryName = ({ noun }: CommandSpec): string => `${noun.pascal}Repository`;
export const limitName = ({ nouns }: CommandSpec): string => `MAX_${nouns.upper}_PER_PLAYER`;
const rowName = ({ noun }: CommandSpec): string => `${noun.pascal}Row`;

export const limitSource = (spec: CommandSpec): string => `/** More than a player needs, and few enough for one page. */
export const ${limitName(spec)} = 100;

`;

/** The line by which this tool knows a table that it made. */
export const columnsSource = ({ noun }: Pick<CommandSpec, 'noun'>): string =>
  `const COLUMNS = sql\`id AS ${noun.snake}_id, player_id, name, created_at\`;`;

/** A repository with the methods of one rule; further ones are added as further commands need them. */
export function repositorySource(spec: CommandSpec): string {
  const { noun, nouns, rule } = spec;
  const reply = `${noun.pascal}Reply`;
  const row = rowName(spec);
  return `import type { ${reply} } from '@warren/contracts';
${rule === 'add' ? "import { newId } from '@warren/kernel';\n" : ''}import { sql, type Tx, tables } from '@warren/postgres';

${rule === 'add' ? limitSource(spec) : ''}interface ${row} extends Omit<${reply}, 'created_at'> {
  readonly created_at: Date;
}

${columnsSource(spec)}

/** SQL of \`${nouns.snake}\`. */
export class ${repositoryName(spec)} {
${METHODS[rule].map((method) => methodSource(spec, method)).join('\n\n')}
}

function toReply(row: ${row} | undefined): ${reply} | undefined {
  return row === undefined ? undefined : { ...row, created_at: row.created_at.toISOString() };
}
`;
}

export function methodSource(spec: CommandSpec, method: Method): string {
  const { noun, nouns } = spec;
  const reply = `Promise<${noun.pascal}Reply | undefined>`;
  const select = `await sql<${rowName(spec)}>`;
  const sources: Readonly<Record<Method, string>> = {
    lockPlayer: `  /** Until the end of the transaction nobody else changes the ${nouns.spoken} of this player: what was counted stays true. */
  async lockPlayer(tx: Tx, playerId: string): Promise<void> {
    await sql\`
      SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':${nouns.snake}:' || \${playerId}::text, 0))\`.execute(
      tables(tx),
    );
  }`,
    count: `  async count(tx: Tx, playerId: string): Promise<number> {
    const found = await sql<{ count: number }>\`
      SELECT count(*)::int AS count FROM ${nouns.snake} WHERE player_id = \${playerId}\`.execute(tables(tx));
    return found.rows[0]?.count ?? 0;
  }`,
    add: `  /** @returns undefined when the player has one of this name already */
  async add(tx: Tx, playerId: string, name: string): ${reply} {
    const added = ${select}\`
      INSERT INTO ${nouns.snake} (id, player_id, name) VALUES (\${newId()}, \${playerId}, \${name})
      ON CONFLICT (player_id, name) DO NOTHING
      RETURNING \${COLUMNS}\`.execute(tables(tx));
    return toReply(added.rows[0]);
  }`,
    find: `  async find(tx: Tx, id: string): ${reply} {
    const found = ${select}\`SELECT \${COLUMNS} FROM ${nouns.snake} WHERE id = \${id}\`.execute(tables(tx));
    return toReply(found.rows[0]);
  }`,
    rename: `  /** Call under \`lockPlayer\`. @returns undefined when another one of the player has this name */
  async rename(tx: Tx, id: string, name: string): ${reply} {
    const renamed = ${select}\`
      UPDATE ${nouns.snake} SET name = \${name}
      WHERE id = \${id} AND NOT EXISTS (
        SELECT FROM ${nouns.snake} AS other
        WHERE other.player_id = ${nouns.snake}.player_id AND other.name = \${name} AND other.id <> \${id})
      RETURNING \${COLUMNS}\`.execute(tables(tx));
    return toReply(renamed.rows[0]);
  }`,
    remove: `  /** @returns undefined when the player has none of this id */
  async remove(tx: Tx, playerId: string, id: string): ${reply} {
    const removed = ${select}\`
      DELETE FROM ${nouns.snake} WHERE id = \${id} AND player_id = \${playerId} RETURNING \${COLUMNS}\`.execute(tables(tx));
    return toReply(removed.rows[0]);
  }`,
  };
  return sources[method];
}

/** The step that makes the table of a noun. */
export const migrationSource = ({ nouns }: CommandSpec, number: string): string => `'${number}_${nouns.snake}': {
      up: async (db) => {
        await sql\`
          CREATE TABLE ${nouns.snake} (
            id uuid PRIMARY KEY,
            player_id uuid NOT NULL,
            name text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (player_id, name)
          )\`.execute(db);
      },
    }`;
