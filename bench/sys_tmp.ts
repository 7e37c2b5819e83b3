import { readFileSync } from 'node:fs';
import { declareExchanges } from '@warren/rabbit';
import { tempVhost } from '@warren/testing';
import { SideProcess } from './support/side.ts';
const inFlight = Number(process.argv[2] ?? 32);
const vhost = await tempVhost();
await declareExchanges(vhost.url);
const raw = { responder: await SideProcess.start('raw_responder.ts', vhost.url, 'bench.raw'), caller: await SideProcess.start('raw_caller.ts', vhost.url, 'bench.raw') };
const warren = { responder: await SideProcess.start('warren_responder.ts', vhost.url), caller: await SideProcess.start('warren_caller.ts', vhost.url) };
for (const [name, pair] of Object.entries({ raw, warren })) {
  await pair.caller.run({ inFlight, ms: 1500 });
  const io = (pid: number): number[] => { const t = readFileSync(`/proc/${pid}/io`, 'utf8'); return [Number(/syscr: (\d+)/.exec(t)?.[1]), Number(/syscw: (\d+)/.exec(t)?.[1])]; };
  const b = [pair.caller, pair.responder].map((s) => io(s.pid));
  const cpu0 = [await pair.caller.cpuMicros(), await pair.responder.cpuMicros()];
  const { calls } = await pair.caller.run({ inFlight, ms: 4000 });
  const cpu1 = [await pair.caller.cpuMicros(), await pair.responder.cpuMicros()];
  const e = [pair.caller, pair.responder].map((s) => io(s.pid));
  console.log(name, 'calls', calls, 'reads/writes per call: caller', ...[0, 1].map((i) => ((e[0]![i]! - b[0]![i]!) / calls).toFixed(2)), 'responder', ...[0, 1].map((i) => ((e[1]![i]! - b[1]![i]!) / calls).toFixed(2)), 'cpu', ...cpu1.map((c, i) => ((c - cpu0[i]!) / calls).toFixed(1)));
}
for (const p of [raw, warren]) { await p.caller.stop(); await p.responder.stop(); }
await vhost.drop();
