import type { CommandSpec } from '../command_spec.ts';
import { importSource, valueNamed } from '../insertions.ts';
import { capital, withArticle } from '../words.ts';
import { casesOf } from './test_cases.ts';

/**
 * The test of a command: on a real broker and database, with the rights of a deployment. `service` is the definition's name.
 */
export function testSource(spec: CommandSpec, service: string): string {
  const body = casesOf(spec).join('\n\n');
  const kit = ['player', 'server'].filter((name) => body.includes(`${name}(`)).map(valueNamed);
  return `${importSource('@warren/contracts', [valueNamed(spec.command.upper)])}${
    body.includes('newId(') || seeds(spec) ? importSource('@warren/kernel', [valueNamed('newId')]) : ''
  }${importSource('@warren/service-kit', [...kit, valueNamed('ServiceKit')])}import { afterAll, beforeAll, expect, test } from 'vitest';
import { ${service} } from '../src/service.ts';

let kit: ServiceKit;

beforeAll(async () => {
  kit = await ServiceKit.start(${service}, { replicas: 2 });
});

afterAll(async () => {
  expect(await kit.stop()).toBe(true);
});
${seeds(spec) ? seedSource(spec) : ''}
${body}
`;
}

const seeds = ({ rule }: CommandSpec): boolean => rule !== 'add';

const seedSource = ({ noun, nouns }: CommandSpec): string => `
/** ${capital(withArticle(noun.spoken))} of this player in the table, whatever commands there are to put it there. */
async function stored(playerId: string, name: string): Promise<string> {
  const id = newId();
  await kit.rows(\`INSERT INTO ${nouns.snake} (id, player_id, name) VALUES ('\${id}', '\${playerId}', '\${name}')\`);
  return id;
}
`;
