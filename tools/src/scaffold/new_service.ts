import { CONTRACTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';
import { addCommand } from './add_command.ts';
import { addService } from './add_service.ts';
import { type CommandSpec, type CommandWish } from './command_spec.ts';
import { completeWish } from './complete_wish.ts';
import { Draft } from './draft.ts';
import { publishDraft } from './publish_draft.ts';
import { repositoryFile } from './repository_edits.ts';
import { type ServiceNames, serviceNames } from './service_names.ts';

export interface NewService {
  readonly names: ServiceNames;
  readonly commands: readonly CommandSpec[];
  readonly files: readonly string[];
}

/** What a service is about as long as nobody says. */
const DEFAULT_NOUN = 'entry';

/**
 * Writes a whole service with two commands: one that adds a thing to those of a player, one that shows it.
 * @throws ToolError with one sentence; nothing was changed then
 */
export async function newService(root: string, prefix: string, noun?: string): Promise<NewService> {
  const draft = new Draft(root);
  const names = serviceNames(draft, prefix, SERVICES);
  addService(draft, names, SERVICES);
  const commands: CommandSpec[] = [];
  const chosen = noun ?? (isTaken(DEFAULT_NOUN) ? `${prefix}_${DEFAULT_NOUN}` : DEFAULT_NOUN);
  for (const name of [`add_${chosen}`, `get_${chosen}`]) {
    const wish: CommandWish = { name, access: 'player', way: 'rpc', callers: [] };
    const spec = completeWish(wish, {
      prefix,
      knows: (one) => draft.has(repositoryFile(names, one)),
      contracts: [...CONTRACTS, ...commands],
      services: SERVICES,
    });
    addCommand(draft, names, spec);
    commands.push(spec);
  }
  return { names, commands, files: await publishDraft(draft) };
}

/** The constants of all contracts live in one name space. */
const isTaken = (noun: string): boolean => CONTRACTS.some(({ name }) => name.endsWith(`.add_${noun}`));
