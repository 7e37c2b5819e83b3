import type { Json } from '../json_document.ts';
import type { ApiChange } from './api_change.ts';
import { queuesOf } from './asyncapi_model.ts';
import { isSame } from './schema_parts.ts';

/**
 * What breaks on a broker that runs already: it keeps durable queues as they were declared first, refuses another
 * declaration, and goes on filling a queue that nobody reads any more.
 */
export function queueChanges(before: Json, after: Json): ApiChange[] {
  const now = queuesOf(after);
  return [...queuesOf(before).values()].flatMap(({ name, durable, declaration }) => {
    if (!durable) return [];
    const next = now.get(name);
    if (next === undefined) {
      const breaks = 'the operator: the queue stays on the broker with its messages, and its bindings go on filling it';
      return [{ names: [name], what: `queue ${name} is gone`, breaks }];
    }
    if (isSame(declaration, next.declaration)) return [];
    const breaks =
      'the operator: a running broker refuses the new declaration (BROKER_TOPOLOGY_DRIFT) until the queue is deleted';
    return [{ names: [name], what: `queue ${name} is declared with other arguments`, breaks }];
  });
}
