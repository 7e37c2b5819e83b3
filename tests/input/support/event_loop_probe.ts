import { performance } from 'node:perf_hooks';

/**
 * Loaded into a process under test before its own code (`--import`). On SIGUSR2 it prints one line: whether every object
 * has a `role` that nobody gave it, and for how long the event loop was held since the last line.
 */
const TICK_MS = 5;

let at = performance.now();
let cpu = process.threadCpuUsage();
let lagMs = 0;
let heldMs = 0;

/** On a crowded machine a process waits for a core as well; held by its own work is only what used the thread's CPU. */
function look(): void {
  const now = performance.now();
  const used = process.threadCpuUsage(cpu);
  const late = now - at - TICK_MS;
  lagMs = Math.max(lagMs, late);
  heldMs = Math.max(heldMs, Math.min(late, (used.user + used.system) / 1_000));
  at = now;
  cpu = process.threadCpuUsage();
}

setInterval(look, TICK_MS).unref();
process.on('SIGUSR2', () => {
  look();
  const role: unknown = Reflect.get({}, 'role');
  process.stdout.write(`${JSON.stringify({ msg: 'probe', role: String(role), lagMs, heldMs })}\n`);
  lagMs = 0;
  heldMs = 0;
});
