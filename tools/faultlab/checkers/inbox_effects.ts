import { CANCEL_TICKET, CREATE_TICKET, UPDATE_ACCOUNT } from '@warren/contracts';
import { digest } from '@warren/kernel';
import { isAcknowledged, isDenied, type Story } from '../history/stories.ts';
import type { InboxRow } from '../report/final_state.ts';
import { type Violation, violation } from './violation.ts';

const OPS: ReadonlySet<string> = new Set([UPDATE_ACCOUNT.name, CREATE_TICKET.name, CANCEL_TICKET.name]);

/** Every acknowledged command of a player left its answer in the inbox, and nothing is there that nobody asked for. */
export function checkInbox(stories: Iterable<Story>, inbox: readonly InboxRow[]): Violation[] {
  const rows = new Map(inbox.filter(({ command }) => OPS.has(command)).map((row) => [row.message_id, row]));
  const asked = new Map([...stories].filter(({ op }) => OPS.has(op)).map((story) => [messageIdOf(story), story]));
  const phantoms = [...rows.values()].filter((row) => !asked.has(row.message_id));
  return [
    ...[...asked].flatMap(([messageId, story]) => checkAnswer(story, rows.get(messageId)?.outcome)),
    ...phantoms.map(({ service, command, message_id: id }) =>
      violation('I3', `${service} did ${command} (${id}) for nobody`),
    ),
  ];
}

/** As the gateway derives it. */
const messageIdOf = ({ process, op, key }: Story): string => digest(`player:${process}`, op, key);

function checkAnswer(story: Story, outcome: string | undefined): Violation[] {
  if (isAcknowledged(story) && outcome !== 'ok')
    return [violation('I1', `${story.key} was acknowledged, its answer is ${outcome ?? 'not stored'}`)];
  if (isDenied(story) && outcome === 'ok') return [violation('I5', `${story.key} was denied and has been done`)];
  return [];
}
