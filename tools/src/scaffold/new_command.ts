import { CONTRACTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';
import { ToolError } from '../tool_error.ts';
import { addCommand, type CommandPlaces } from './add_command.ts';
import { type CommandSpec, type CommandWish } from './command_spec.ts';
import { completeWish } from './complete_wish.ts';
import { Draft } from './draft.ts';
import { publishDraft } from './publish_draft.ts';
import { repositoryFile } from './repository_edits.ts';
import { layoutOf } from './service_layout.ts';

/** What was written, for the person who goes on from here. */
export interface NewCommand {
  readonly spec: CommandSpec;
  readonly places: CommandPlaces;
  readonly files: readonly string[];
}

/**
 * Writes a command: contract, handler, container line, registry line and test, with table and repository for a new noun.
 * @throws ToolError with one sentence; nothing was changed then
 */
export async function newCommand(root: string, prefix: string, wish: CommandWish): Promise<NewCommand> {
  const service = SERVICES.find((one) => one.prefix === prefix);
  if (service === undefined)
    throw new ToolError(
      `There is no service ${prefix}; there are ${SERVICES.map((one) => one.prefix).join(', ')}. Make one with \`npm run warren -- new service ${prefix}\`.`,
    );
  const draft = new Draft(root);
  const layout = layoutOf(draft, service);
  const spec = completeWish(wish, {
    prefix,
    knows: (noun) => draft.has(repositoryFile(layout, noun)),
    contracts: CONTRACTS,
    services: SERVICES,
  });
  const places = addCommand(draft, layout, spec);
  return { spec, places, files: await publishDraft(draft) };
}
