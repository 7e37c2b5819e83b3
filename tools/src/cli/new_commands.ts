import { type Command, InvalidArgumentError, Option } from 'commander';
import { say, sayPlain } from '../output.ts';
import { ACCESS, type AccessKind, type CommandWish, WAYS } from '../scaffold/command_spec.ts';
import { RULES, type Rule } from '../scaffold/rules.ts';

interface CommandOptions {
  readonly access: AccessKind;
  readonly way: CommandWish['way'];
  readonly callers: readonly string[];
  readonly rule?: Rule;
  readonly read?: true;
  readonly http?: string;
}

/**
 * `warren new service` and `warren new command`. The tools behind them are loaded when they are called: they need packages that
 * only a checkout has.
 */
export function describeNew(command: Command, root: string): void {
  command
    .command('service')
    .description('write a service: app, domain, contracts, its place in every list, and two tested commands')
    .argument('<name>', 'one word: its prefix on the broker, such as inventory')
    .option('--noun <noun>', 'what it is about, such as item; its commands are then add_item and get_item')
    .action((name: string, options: { readonly noun?: string }) => writeService(root, name, options.noun));
  command
    .command('command')
    .description('write a command: contract, handler, container line, registry line and test')
    .argument('<service>', 'prefix of the service, such as inventory')
    .argument('<name>', '<verb>_<noun>, such as grant_item')
    .addOption(new Option('--access <kind>', 'who may call').choices(ACCESS).default('player'))
    .addOption(new Option('--way <way>', 'somebody waits for the reply, or nobody').choices(WAYS).default('rpc'))
    .option('--callers <services>', 'services that may send it, with --access service', listed, [])
    .addOption(new Option('--rule <rule>', 'the rule to begin with; otherwise the verb says it').choices(RULES))
    .addOption(new Option('--read', 'the same as --rule get').conflicts('rule'))
    .option('--http <route>', 'method and path, such as "POST /v1/inventory/items"')
    .action((service: string, name: string, options: CommandOptions) =>
      writeCommand(root, service, wishOf(name, options)),
    );
}

function listed(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Write names with commas between them.');
  return names;
}

function wishOf(name: string, { access, way, callers, rule, read, http }: CommandOptions): CommandWish {
  const chosen = read === true ? 'get' : rule;
  return {
    name,
    access,
    way,
    callers,
    ...(chosen === undefined ? {} : { rule: chosen }),
    ...(http === undefined ? {} : { http }),
  };
}

async function writeService(root: string, name: string, noun: string | undefined): Promise<void> {
  const { newService } = await import('../scaffold/new_service.ts');
  const { names, commands, files } = await newService(root, name, noun);
  sayFiles(files);
  say(`${names.appName} is written, with ${commands.map((spec) => spec.name).join(' and ')}`);
  sayPlain(`next: npm test -- ${names.appName}    then: npm start    and read docs/adding_a_service.md`);
}

async function writeCommand(root: string, service: string, wish: CommandWish): Promise<void> {
  const { newCommand } = await import('../scaffold/new_command.ts');
  const { spec, places, files } = await newCommand(root, service, wish);
  sayFiles(files);
  const route = spec.http === undefined ? '' : `: ${spec.http.method} ${spec.http.path}`;
  say(`${spec.name} is written${route}`);
  sayPlain(`next: npm test -- ${spec.command.snake}    then make the rule yours: ${places.handler}`);
}

function sayFiles(files: readonly string[]): void {
  for (const file of files.toSorted()) sayPlain(`  ${file}`);
}
