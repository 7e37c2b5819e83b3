import { newId, runInContext, startTrace } from '@warren/kernel';
import { RpcClient } from '@warren/rabbit';
import { BENCH_ASSIGN, REQUEST } from './bench_contract.ts';
import { measureCalls, serveSide } from './side.ts';
import { logger, openLinks } from './warren_link.ts';

const [url = ''] = process.argv.slice(2);
const { publishLink, consumeLink, metrics } = await openLinks(url, 'coordinator');
const user = publishLink.user;
const client = new RpcClient({
  publishLink,
  user,
  prefix: 'coordinator',
  instance: newId(),
  logger,
  metrics,
});
await client.start();

async function call(): Promise<boolean> {
  // Each call is its own request of some player, with its own trace.
  const outcome = await runInContext({ trace: startTrace() }, () => client.outcome(BENCH_ASSIGN, REQUEST));
  return outcome.kind === 'value' && outcome.value.success;
}

serveSide({
  run: (order) => measureCalls(call, order),
  stop: async () => {
    await client.stop();
    await Promise.all([publishLink.stop(), consumeLink.stop()]);
  },
});
