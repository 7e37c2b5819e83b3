import { checkAccounts } from './checkers/account_effects.ts';
import { checkBrokerLog, checkRedeliveries } from './checkers/ack_discipline.ts';
import { checkConservation } from './checkers/conservation.ts';
import { checkAnswers, checkTimeouts } from './checkers/honesty.ts';
import { checkInbox } from './checkers/inbox_effects.ts';
import { checkLeaks } from './checkers/leaks.ts';
import { checkLeases } from './checkers/lease_effects.ts';
import { checkExits, checkLogs } from './checkers/processes.ts';
import { attemptsOf, checkRecovery, percentile, recoveriesOf } from './checkers/recovery.ts';
import { checkRolling } from './checkers/rolling.ts';
import { checkSometimes, type Sightings } from './checkers/sometimes.ts';
import { checkTickets } from './checkers/ticket_effects.ts';
import { type Violation, violation } from './checkers/violation.ts';
import { type HistoryEvent, readHistory } from './history/history.ts';
import { isAcknowledged, type Story, storiesOf } from './history/stories.ts';
import type { Profile } from './profiles.ts';
import type { MetricsBook } from './report/metrics_book.ts';
import type { RunResult } from './run_lab.ts';

const DELIVERIES = 'warren_rabbit_deliveries_total';

export interface Judgement {
  readonly violations: readonly Violation[];
  readonly sightings: Sightings;
  readonly figures: Readonly<Record<string, number | string>>;
}

/** All checkers over all that a run left behind. */
export function judge(run: RunResult, profile: Profile): Judgement {
  const history = readHistory(run.historyFile);
  const byKey = storiesOf(history);
  const stories = [...byKey.values()];
  const { final, faults, metrics } = run;
  const sightings = sightingsOf(run, history);
  const violations = [
    ...checkAccounts(stories, final.accounts),
    ...checkTickets(stories, final.tickets),
    ...checkLeases(stories, final.leases, final.servers),
    ...checkInbox(stories, final.inbox),
    ...checkConservation(stories, final),
    ...checkAnswers(stories, run.unsettled),
    ...checkTimeouts(history),
    ...run.notReady.map((message) => violation('I6', message)),
    ...checkRecovery(history, faults, profile.bounds),
    ...checkRolling(history, faults),
    ...checkLeaks(run.before, run.after),
    ...checkExits(run.exits),
    ...checkLogs(run.logs),
    ...checkBrokerLog(run.brokerLog),
    ...checkRedeliveries(deliveriesOf(metrics, run)),
    ...checkSometimes(sightings, profile.required),
  ];
  return { violations, sightings, figures: figuresOf(run, history, stories) };
}

function deliveriesOf(metrics: MetricsBook, { before, exits }: RunResult): Parameters<typeof checkRedeliveries>[0] {
  const prefetch = Object.entries(before.prefetch);
  const losses = metrics.byLabel('warren_rabbit_consumer_recoveries_total', 'queue');
  const byChannel = prefetch.reduce((sum, [queue, most]) => sum + most * (losses.get(queue) ?? 0), 0);
  // a process that ends takes its count along, and every queue of its service
  const byProcess = exits.reduce((sum, { replica }) => {
    const [service = ''] = replica.split('-');
    const own = prefetch.filter(([queue]) => queue.startsWith(`${service}.`));
    return sum + own.reduce((most, [, count]) => most + count, 0);
  }, 0);
  return {
    redelivered: metrics.sum(DELIVERIES, { kind: 'again' }),
    handedBack: metrics.sum('warren_rabbit_settles_total', { how: /nack|reject/ }),
    inHand: byChannel + byProcess,
  };
}

function sightingsOf({ metrics, logs, blocked, final }: RunResult, history: readonly HistoryEvent[]): Sightings {
  const said = (message: string): number => logs.reduce((sum, { messages }) => sum + (messages[message] ?? 0), 0);
  const answered = (code: string): number => history.filter((event) => event.code === code).length;
  const repeated = [...storiesOf(history).values()].filter(({ values }) => values.length > 1).length;
  return {
    redelivered: metrics.sum(DELIVERIES, { kind: 'again' }),
    'publish unknown': metrics.sum('warren_rabbit_published_total', { outcome: 'unknown' }),
    'publish returned': metrics.sum('warren_rabbit_published_total', { outcome: 'returned' }),
    'same key answered twice': repeated,
    blocked,
    'no route': metrics.sum('warren_rabbit_rpc_calls_total', { outcome: 'no_route' }),
    'link lost': metrics.sum('warren_rabbit_rpc_calls_total', { outcome: 'link_lost' }),
    'rpc timeout': metrics.sum('warren_rabbit_rpc_calls_total', { outcome: 'timeout' }),
    'commit unknown': metrics.sum('warren_postgres_transaction_seconds_count', { outcome: 'unknown' }),
    'outbox held up': metrics.sum('warren_outbox_relayed_total', { outcome: /unknown|not_sent|returned|nacked/ }),
    'retry tier': metrics.sum('warren_commands_total', { outcome: 'retry', queue: /\.(commands|events\.)/ }),
    parked: final.deadLetters.length,
    'stale settle': metrics.sum('warren_rabbit_settles_total', { how: 'stale' }),
    'lease expired': metrics.sum('warren_allocator_leases_ended_total', { reason: 'confirm_timeout' }),
    'consumer cancelled': said('the broker cancelled the consumer'),
    'in progress': answered('REQUEST_IN_PROGRESS'),
    unavailable: answered('SERVICE_UNAVAILABLE'),
  };
}

function figuresOf(
  run: RunResult,
  history: readonly HistoryEvent[],
  stories: readonly Story[],
): Record<string, number | string> {
  const commands = stories.filter((story) => isAcknowledged(story) && story.op !== 'poison').length;
  const attempts = attemptsOf(history);
  const recoveries = recoveriesOf(attempts, run.faults).map(({ ms }) => ({ op: '', from: 0, to: ms, ok: true }));
  const kills = run.faults.filter(({ kind }) => kind === 'broker.kill' || kind === 'postgres.kill').length;
  const answers = Map.groupBy(history, ({ type, code }) => (code === undefined ? type : `${type} ${code}`));
  return {
    'commands acknowledged': commands,
    attempts: attempts.length,
    'load seconds': Math.round(run.loadMs / 1_000),
    'commands per second': Math.round((commands / run.loadMs) * 1_000),
    faults: run.faults.length,
    'kills of broker or Postgres': kills,
    'attempt p50 ms': Math.round(percentile(attempts, 0.5)),
    'attempt p99 ms': Math.round(percentile(attempts)),
    'recovery p50 ms': Math.round(percentile(recoveries, 0.5)),
    'recovery p95 ms': Math.round(percentile(recoveries, 0.95)),
    'longest recovery ms': Math.round(percentile(recoveries, 1)),
    ...Object.fromEntries([...answers].map(([answer, events]) => [`answers ${answer}`, events.length])),
  };
}
