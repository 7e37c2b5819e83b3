import { type Clock, formatTraceparent, type Logger, parseTraceparent } from '@warren/kernel';
import { type ConfirmedPublisher, EXCHANGE, type PublishOutcome, type RabbitLink } from '@warren/rabbit';
import { isTracing, startSpan, type WorkSpan } from '@warren/telemetry';
import * as z from 'zod';
import { isStrict, laneOf } from './lanes.ts';
import type { OutboxRow } from './outbox_rows.ts';

export interface RowPublisherDeps {
  readonly publisher: Pick<ConfirmedPublisher, 'publish'>;
  readonly publishLink: Pick<RabbitLink, 'state' | 'onState'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** `invalid`: no publisher takes this row, whatever the broker does. `kept`: not tried, its predecessor did not leave. */
export type RowOutcome = PublishOutcome | 'invalid' | 'kept';

/** What a stop grants to confirms under way. Rows without one stay and are published again by the next process. */
const STOP_GRACE_MS = 500;

const Headers = z.record(z.string(), z.string());

/** Nobody knows whether the broker has it. */
export const isSilence = (outcome: RowOutcome): boolean => outcome === 'unknown' || outcome === 'not_sent';

/** Publishes outbox rows and says what became of each. */
export class RowPublisher {
  readonly #deps: RowPublisherDeps;
  /** End the waits for confirms that are under way. */
  readonly #giveUps = new Set<() => void>();
  #isCutOff = false;

  constructor(deps: RowPublisherDeps) {
    this.#deps = deps;
  }

  /** Whether the broker can be asked at all. */
  get usable(): boolean {
    const { up, blocked } = this.#deps.publishLink.state;
    return up && !blocked;
  }

  /** No batch waits much longer for its confirms, now and later. */
  cutOff(): void {
    setTimeout(() => {
      this.#isCutOff = true;
      for (const giveUp of this.#giveUps) giveUp();
    }, STOP_GRACE_MS).unref();
  }

  /**
   * The outcome of each row, in their order, after `timeoutMs` at the latest and no later than the link is lost: the
   * transaction that locks the rows must not stay open until a broker comes back.
   */
  async publish(rows: readonly OutboxRow[], timeoutMs: number): Promise<readonly RowOutcome[]> {
    const { publishLink, clock } = this.#deps;
    // of this batch alone: what races against a promise that outlives it is kept by that promise
    const { promise: end, resolve } = Promise.withResolvers<RowOutcome>();
    const giveUp = (): void => resolve('unknown');
    const look = ({ up }: { readonly up: boolean }): void => {
      if (!up || this.#isCutOff) giveUp();
    };
    this.#giveUps.add(giveUp);
    const stopListening = publishLink.onState(look);
    look(publishLink.state);
    const deadline = clock.monotonicMs() + timeoutMs;
    const outcomes = new Map<OutboxRow, RowOutcome>();
    try {
      const send = (row: OutboxRow): Promise<RowOutcome> => Promise.race([this.#one(row, deadline), end]);
      await Promise.all(lanesOf(rows).map((lane) => publishLane(lane, send, outcomes)));
    } finally {
      stopListening();
      this.#giveUps.delete(giveUp);
    }
    return rows.map((row) => outcomes.get(row) ?? 'kept');
  }

  async #one(row: OutboxRow, deadline: number): Promise<RowOutcome> {
    const timeoutMs = deadline - this.#deps.clock.monotonicMs();
    if (timeoutMs <= 0) return 'kept';
    let span: WorkSpan | undefined;
    try {
      const headers = Headers.parse(JSON.parse(row.headers));
      span = isTracing() ? startPublish(row, headers) : undefined;
      const message = {
        exchange: row.exchange,
        key: row.routing_key,
        body: Buffer.from(row.body),
        messageId: row.message_id,
        type: row.type,
        persistent: true,
        // an event without a subscriber is legal; a command or a push without a queue is a defect that must be seen
        mandatory: row.exchange !== EXCHANGE.events,
        headers: { ...headers, ...traceparentOf(span), 'warren-attempt': 1 },
      };
      const outcome = await this.#deps.publisher.publish(message, { timeoutMs });
      if (outcome !== 'confirmed') span?.fail(outcome);
      return outcome;
    } catch (cause) {
      // one row that cannot be sent must not keep the others
      this.#deps.logger.error({ err: cause, id: row.id, type: row.type }, 'an outbox row is no message');
      span?.fail('MESSAGE_INVALID');
      return 'invalid';
    } finally {
      span?.end();
    }
  }
}

function startPublish(row: OutboxRow, headers: Readonly<Record<string, string>>): WorkSpan | undefined {
  const attributes = { 'messaging.system': 'rabbitmq', 'messaging.destination.name': row.exchange };
  const parent = parseTraceparent(headers['traceparent']);
  return startSpan({ role: 'producer', name: `send ${row.type}`, parent, attributes });
}

const traceparentOf = (span: WorkSpan | undefined): Record<string, string> =>
  span === undefined ? {} : { traceparent: formatTraceparent(span.trace) };

/** Rows that must follow each other stand in one list, each other row alone. */
function lanesOf(rows: readonly OutboxRow[]): readonly (readonly OutboxRow[])[] {
  const strict = Map.groupBy(rows.filter(isStrict), (row) => laneOf(row.routing_key));
  return [...strict.values(), ...rows.filter((row) => !isStrict(row)).map((row) => [row])];
}

async function publishLane(
  rows: readonly OutboxRow[],
  send: (row: OutboxRow) => Promise<RowOutcome>,
  outcomes: Map<OutboxRow, RowOutcome>,
): Promise<void> {
  for (const row of rows) {
    const outcome = await send(row);
    outcomes.set(row, outcome);
    if (outcome !== 'confirmed') return;
  }
}
