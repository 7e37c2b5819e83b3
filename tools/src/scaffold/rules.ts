/** The rules that a new command can begin with. Each is about one noun, of which every player has some. */
export const RULES = ['add', 'get', 'rename', 'remove'] as const;
export type Rule = (typeof RULES)[number];

/** Verbs that say which rule is meant. */
const VERBS: Readonly<Record<Rule, readonly string[]>> = {
  add: ['add', 'award', 'buy', 'create', 'earn', 'give', 'grant', 'make', 'open', 'put', 'register', 'store'],
  get: ['find', 'get', 'load', 'read', 'show'],
  rename: ['change', 'edit', 'label', 'rename', 'update'],
  remove: ['cancel', 'close', 'delete', 'discard', 'drop', 'remove', 'revoke', 'sell', 'spend', 'use'],
};

export const ruleOfVerb = (verb: string): Rule | undefined => RULES.find((rule) => VERBS[rule].includes(verb));

/** Whether a command of this rule only reads. */
export const isRead = (rule: Rule): boolean => rule === 'get';
