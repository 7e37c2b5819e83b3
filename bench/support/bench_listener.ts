import { setTimeout as sleep } from 'node:timers/promises';
import { BaseMicroserviceListener, type ValidatedCommand } from '@warren/command-center';
import type { DtoOf } from '@warren/contracts';
import type { BENCH_WORK } from './bench_contract.ts';
import { Countdown } from './countdown.ts';

type Work = DtoOf<typeof BENCH_WORK>;

/** The listener has validated it; this only tells the compiler. */
const isWork = (payload: unknown): payload is Work =>
  typeof payload === 'object' && payload !== null && 'players' in payload;

/** Counts what it handles; everything else is the listener's own. */
export class BenchListener extends BaseMicroserviceListener {
  readonly countdown = new Countdown();
  handlerMs = 0;

  protected override async processSingleCommand({ payload }: ValidatedCommand): Promise<unknown> {
    if (!isWork(payload)) throw new TypeError('another payload');
    if (this.handlerMs > 0) await sleep(Math.random() * this.handlerMs);
    this.countdown.one();
    return {};
  }
}
