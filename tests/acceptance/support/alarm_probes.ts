import { randomUUID } from 'node:crypto';
import { processResources } from '@warren/testing';
import * as z from 'zod';
import type { AppProcess } from '../../e2e/support/app_process.ts';
import { HttpSender } from '../../e2e/support/http_sender.ts';
import { CROWD } from './lab.ts';
import type { LoadPlayer } from './ticket_load.ts';

const NotReady = z.object({ missing: z.record(z.string(), z.string()) });

/** Whether the health of every one of these processes names a reason that holds `word`. */
export async function allAdmit(word: string, processes: readonly AppProcess[]): Promise<boolean> {
  const reasons = await Promise.all(processes.map(reasonsOf));
  return reasons.length > 0 && reasons.every((reason) => reason.includes(word));
}

async function reasonsOf(process: AppProcess): Promise<string> {
  const adminUrl = process.lines.find(({ msg }) => msg === 'ready')?.['adminUrl'];
  const response = await fetch(`${String(adminUrl)}/readyz`);
  const body = NotReady.safeParse(await response.json());
  return body.success ? Object.values(body.data.missing).join(', ') : '';
}

export interface Refusals {
  readonly medianMs: number;
  /** Answers that were no 503 with Retry-After. */
  readonly wrong: readonly string[];
}

/** Asks for tickets one after the other and measures how fast each is refused. */
export async function measureRefusals(
  targets: () => readonly string[],
  player: LoadPlayer,
  count: number,
): Promise<Refusals> {
  const sender = new HttpSender(targets);
  const times: number[] = [];
  const wrong: string[] = [];
  for (let index = 0; index < count; index++) {
    const headers = { authorization: `Bearer ${player.token}`, 'idempotency-key': `probe-${randomUUID()}` };
    const body = { mode: CROWD, client_tag: 'probe' };
    const startedAt = performance.now();
    const outcome = await sender.send({ method: 'POST', path: '/v1/tickets', headers, body });
    times.push(performance.now() - startedAt);
    const right = outcome.kind === 'answered' && outcome.status === 503 && outcome.retryAfter !== undefined;
    if (!right) wrong.push(JSON.stringify(outcome));
  }
  sender.close();
  const median = times.sort((one, other) => one - other)[Math.floor(count / 2)] ?? Number.POSITIVE_INFINITY;
  return { medianMs: Math.round(median), wrong };
}

/** Watches the memory of processes from now on. */
export class MemoryWatch {
  readonly #before: ReadonlyMap<AppProcess, number>;

  constructor(processes: readonly AppProcess[]) {
    this.#before = new Map(processes.map((process) => [process, residentBytes(process)]));
  }

  /** Bytes by which the process that grew most has grown. */
  get grownBytes(): number {
    return Math.max(...[...this.#before].map(([process, bytes]) => residentBytes(process) - bytes));
  }
}

const residentBytes = ({ pid }: AppProcess): number => processResources(pid, {})?.residentBytes ?? 0;
