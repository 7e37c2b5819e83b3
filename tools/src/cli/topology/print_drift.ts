import { sayPlain } from '../../output.ts';
import { adviceOn } from '../../topology/advice.ts';
import type { Change } from '../../topology/drift.ts';
import { plain } from '../plain_text.ts';

const KINDS = [
  { kind: 'missing', sign: '+' },
  { kind: 'different', sign: '~' },
  { kind: 'unknown', sign: '-' },
] as const;

/** One line per change, with advice one more for what an operator can do about it, and a last one that counts them. */
export function printDrift(vhost: string, changes: readonly Change[], withAdvice: boolean): void {
  for (const change of changes) {
    sayPlain(lineOf(change));
    if (withAdvice && change.kind !== 'missing') sayPlain(`    ${adviceOn(change)}`);
  }
  sayPlain(summaryOf(vhost, changes));
}

/** `~ queue auth.rpc: x-max-length is 5, declared 10000`; names may come from strangers. */
function lineOf(change: Change): string {
  const sign = KINDS.find(({ kind }) => kind === change.kind)?.sign ?? '';
  const details = change.kind === 'different' ? change.differences : [];
  const said = details.map(({ fact, found, declared }) => `${fact} is ${show(found)}, declared ${show(declared)}`);
  return plain(`${sign} ${change.item.name}${said.length === 0 ? '' : `: ${said.join('; ')}`}`);
}

const show = (value: unknown): string => (value === undefined ? 'absent' : JSON.stringify(value));

function summaryOf(vhost: string, changes: readonly Change[]): string {
  if (changes.length === 0) return `no drift: vhost ${vhost} is as rabbitmq_topology.ts declares it`;
  const counts = KINDS.map(({ kind }) => `${changes.filter((change) => change.kind === kind).length} ${kind}`);
  return `drift in vhost ${vhost}: ${counts.join(', ')}`;
}
