import { currentContext } from '@warren/kernel';
import { isTracing, startSpan } from '@warren/telemetry';
import type { LogConfig } from 'kysely';

const MAX_STATEMENT_CHARS = 1_024;

/**
 * A span per statement of a traced piece of work, made when it is over. Parameters are never part of it. While no spans
 * are exported the query builder does not even take the time.
 */
export function logQueries(schema: string): LogConfig {
  if (!isTracing()) return [];
  return ({ level, query, queryDurationMillis, ...event }) => {
    const parent = currentContext()?.trace;
    if (parent === undefined) return;
    const startedAt = performance.now() - queryDurationMillis;
    const attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': schema,
      'db.query.text': query.sql.slice(0, MAX_STATEMENT_CHARS),
    };
    const span = startSpan({ role: 'client', name: nameOf(query.sql), parent, attributes, startedAt });
    if (level === 'error' && 'error' in event) span?.fail('DATABASE_ERROR');
    span?.end();
  };
}

/** `select`, `insert`, `with`: the first word. */
const nameOf = (text: string): string => `sql ${/^\s*([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? 'statement'}`;
