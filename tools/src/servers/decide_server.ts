import { ToolError } from '../tool_error.ts';
import { type Attempt, ORIGINS, type Origin } from './place.ts';

export interface Way<P> {
  readonly origin: Origin;
  /** Throws a ToolError where going on would hide a mistake, such as a given URL that does not answer. */
  readonly attempt: () => Promise<Attempt<P>>;
}

export interface Decision<P> {
  readonly place: P;
  /** The decision and its reason, one line. */
  readonly line: string;
}

const TITLES: Record<Origin, string> = {
  url: 'given URL',
  local: 'server on the standard port',
  docker: 'Docker',
  private: 'private instance',
};

/**
 * Tries the ways in their order and takes the first that works.
 * @throws ToolError with every reason and `advice` when none does
 */
export async function decideServer<P>(name: string, ways: readonly Way<P>[], advice: string): Promise<Decision<P>> {
  const reasons: string[] = [];
  for (const way of ways) {
    const result = await way.attempt();
    if ('use' in result) return { place: result.use, line: decisionLine(name, way.origin, result.reason, reasons) };
    reasons.push(result.next);
  }
  throw new ToolError(`${name}: ${reasons.join('; ')}. ${advice}`);
}

function decisionLine(name: string, origin: Origin, reason: string, passedOver: readonly string[]): string {
  const step = ORIGINS.indexOf(origin) + 1;
  const because = passedOver.length === 0 ? '' : ` (${passedOver.join('; ')})`;
  return `${name}: step ${step}, ${TITLES[origin]}: ${reason}${because}`;
}
