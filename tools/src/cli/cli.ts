import path from 'node:path';
import { Command, CommanderError } from 'commander';
import type { Clone } from '../clone/clone.ts';
import { env } from '../commands/env.ts';
import { say, sayPlain } from '../output.ts';
import { newFleetKey, runSetup } from '../setup/run_setup.ts';
import { SCHEMAS } from '../setup/schemas.ts';
import { migrateAll } from '../setup/setup_database.ts';
import { addDlqCommands } from './dlq/dlq_commands.ts';
import { describeNew } from './new_commands.ts';
import { operatorPlaces } from './operator_places.ts';
import { addTopologyCommands } from './topology/topology_commands.ts';

/** How commander says that it printed help because that was asked for. */
const HELP_CODES = new Set(['commander.helpDisplayed', 'commander.version']);
const WRONG_USAGE = 2;

/** `npm run warren -- <command>`, and the one-shot set-up of a deployment. */
export async function cli(clone: Clone, args: readonly string[]): Promise<number> {
  // Without this commander ends the process itself, with 1 for wrong usage.
  const program = new Command('warren')
    .description('Commands for operators and developers of a Warren installation.')
    .exitOverride();
  let code = 0;
  addSetupCommands(program, clone);
  describeNew(program.command('new').description('write the sources of a service or a command'), clone.root);
  const finish = (result: number): void => {
    code = result;
  };
  addDlqCommands(program, clone, finish);
  addTopologyCommands(program, clone, finish);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return HELP_CODES.has(error.code) ? 0 : WRONG_USAGE;
    throw error;
  }
}

function addSetupCommands(program: Command, clone: Clone): void {
  program
    .command('setup')
    .description('create vhost, users, rights, exchanges, database, roles and schemas; may be repeated')
    .option('--force', 'do it also when nothing seems to be missing: sets changed rights and policies back')
    .action(async ({ force = false }: { force?: boolean }) => {
      const { places, settings } = operatorPlaces(clone);
      await runSetup(clone, places, settings, force);
    });
  program
    .command('migrate')
    .description('bring every schema up to date, as their owner')
    .action(async () => {
      const { places, settings } = operatorPlaces(clone);
      const applied = await migrateAll(places.postgres, settings, SCHEMAS);
      say(applied.length === 0 ? 'every schema is up to date' : `applied ${applied.join(', ')}`);
    });
  program
    .command('server-key')
    .description('keys with which game servers join the fleet')
    .command('create')
    .description('make a key; it is printed this once, only its hash is stored')
    .requiredOption('--name <name>', 'what the key is for, 1 to 64 characters')
    .action(async ({ name }: { name: string }) => {
      const { places, settings } = operatorPlaces(clone);
      sayPlain(await newFleetKey(places, settings, name));
    });
  program
    .command('env')
    .description('write missing secrets into .env; never changes a value')
    .action(async () => {
      await env(clone);
    });
  program
    .command('docs')
    .description('write a page of every message between services and clients')
    .action(async () => {
      // what it needs is not part of an image
      const { writePage } = await import('../api/write_page.ts');
      sayPlain(writePage(path.join(clone.home, 'docs')));
    });
}
