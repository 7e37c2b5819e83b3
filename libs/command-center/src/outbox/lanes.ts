import { EXCHANGE } from '@warren/rabbit';

/** `<p>.<verb_noun>.p03` goes to the queue of `<p>` and `.p03`, whatever the verb. */
const KEYED = String.raw`\.[a-z_]+(\.p\d\d)$`;
const KEYED_IN_KEY = new RegExp(KEYED);

/**
 * Rows of one lane reach one queue and must not overtake each other. For SQL: the expression over an outbox row that
 * `laneOf` has for JavaScript.
 */
export const LANE_SQL = String.raw`regexp_replace(routing_key, '${KEYED}', '\1')`;

export const laneOf = (routingKey: string): string => routingKey.replace(KEYED_IN_KEY, '$1');

/**
 * Whether a row may leave only when its predecessor in the lane was confirmed. Players see the order of their events, and
 * commands of a key have one; for all others order is usual but nobody's right.
 */
export const isStrict = (row: { readonly exchange: string; readonly routing_key: string }): boolean =>
  row.exchange === EXCHANGE.push || (row.exchange === EXCHANGE.commands && KEYED_IN_KEY.test(row.routing_key));
