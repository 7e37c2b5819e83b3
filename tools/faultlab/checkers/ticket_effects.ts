import { CANCEL_TICKET, CREATE_TICKET, TicketReply } from '@warren/contracts';
import { isAcknowledged, isDenied, type Story } from '../history/stories.ts';
import type { TicketRow } from '../report/final_state.ts';
import { type Violation, violation } from './violation.ts';

/** A ticket carries the key of the call that made it: one row per acknowledged call, none for a denied one, none for none. */
export function checkTickets(stories: Iterable<Story>, tickets: readonly TicketRow[]): Violation[] {
  const all = [...stories];
  const created = all.filter(({ op }) => op === CREATE_TICKET.name);
  const keys = new Set(created.map(({ key }) => key));
  const rows = Map.groupBy(tickets, ({ client_tag: tag }) => tag);
  const phantoms = tickets.filter(({ client_tag: tag }) => !keys.has(tag));
  const states = new Map(tickets.map(({ id, state }) => [id, state]));
  return [
    ...created.flatMap((story) => checkCreation(story, rows.get(story.key) ?? [])),
    ...phantoms.map(({ id, client_tag: tag }) => violation('I3', `ticket ${id} ("${tag}") was made by nobody`)),
    ...all.filter(({ op }) => op === CANCEL_TICKET.name).flatMap((story) => checkCancellation(story, states)),
  ];
}

function checkCreation(story: Story, rows: readonly TicketRow[]): Violation[] {
  if (rows.length > 1) return [violation('I2', `${story.key} made ${rows.length} tickets`)];
  if (isDenied(story) && rows.length > 0) return [violation('I5', `${story.key} was denied and made a ticket`)];
  if (!isAcknowledged(story)) return [];
  const { ticket_id: ticketId } = TicketReply.parse(story.values[0]);
  const [row] = rows;
  if (row === undefined) return [violation('I1', `${story.key} was acknowledged and its ticket is gone`)];
  return row.id === ticketId
    ? []
    : [violation('I2', `${story.key} was answered with ticket ${ticketId}, stored is ${row.id}`)];
}

function checkCancellation(story: Story, states: ReadonlyMap<string, string>): Violation[] {
  if (!isAcknowledged(story)) return [];
  const { ticket_id: ticketId } = TicketReply.parse(story.values[0]);
  const state = states.get(ticketId) ?? 'gone';
  return state === 'cancelled'
    ? []
    : [violation('I1', `${story.key} was acknowledged and ticket ${ticketId} is ${state}`)];
}
