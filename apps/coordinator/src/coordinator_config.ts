import { command, defineRegistry, event } from '@warren/command-center';
import {
  CANCEL_TICKET,
  CREATE_TICKET,
  GET_MATCH,
  GET_TICKET,
  LEASE_LOST,
  REPORT_FAILURE,
  REPORT_JOIN,
  REPORT_RESULT,
} from '@warren/contracts';
import { COORDINATION } from '@warren/coordination';

export const coordinatorRegistry = defineRegistry({
  prefix: 'coordinator',
  maxConcurrentTasks: 32,
  commandProcessingTimeoutMs: 15_000,
  commands: [
    command(CREATE_TICKET, COORDINATION.createTicket),
    command(CANCEL_TICKET, COORDINATION.cancelTicket),
    command(GET_TICKET, COORDINATION.getTicket),
    command(GET_MATCH, COORDINATION.getMatch),
    command(REPORT_JOIN, COORDINATION.reportJoin),
    command(REPORT_RESULT, COORDINATION.reportResult),
    command(REPORT_FAILURE, COORDINATION.reportFailure),
  ],
  events: [event(LEASE_LOST, 'leases', COORDINATION.leaseLost)],
});
