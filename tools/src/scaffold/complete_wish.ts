import { ToolError } from '../tool_error.ts';
import { checkAccess, checkName, checkNoun } from './command_refusals.ts';
import { routeOf, socketTypeOf } from './command_routes.ts';
import type { CommandBase, CommandSpec, CommandWish, CommandWorld } from './command_spec.ts';
import { RULES, ruleOfVerb } from './rules.ts';
import { pluralOf, wordsOf } from './words.ts';

/** @throws ToolError with one sentence for what is wrong or taken */
export function completeWish(wish: CommandWish, world: CommandWorld): CommandSpec {
  checkName(wish.name, world);
  const [verb = '', ...rest] = wish.name.split('_');
  const noun = rest.join('_');
  checkNoun(noun);
  const rule = wish.rule ?? ruleOfVerb(verb) ?? (world.knows(noun) ? unknownVerb(verb) : 'add');
  checkAccess(wish, rule, world);
  const { prefix } = world;
  const { access, way, callers } = wish;
  const base: CommandBase = {
    command: wordsOf(wish.name),
    verb,
    noun: wordsOf(noun),
    nouns: wordsOf(pluralOf(noun)),
    prefix,
    name: `${prefix}.${wish.name}`,
    rule,
    access,
    way,
    callers,
  };
  return { ...base, http: routeOf(wish.http, base, world), ws: socketTypeOf(base, world) };
}

function unknownVerb(verb: string): never {
  throw new ToolError(
    `The verb "${verb}" does not say what happens: choose the rule to begin with, --rule ${RULES.join('|')}.`,
  );
}
