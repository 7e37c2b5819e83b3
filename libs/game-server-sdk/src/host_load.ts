import { availableParallelism, cpus, freemem, totalmem } from 'node:os';

/** Share of the machine's CPU and memory in use, 0 … 1. */
export interface Load {
  readonly cpu: number;
  readonly ram: number;
}

interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

function cpuTimes(): CpuTimes {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq;
    total += sum;
    busy += sum - times.idle;
  }
  return { busy, total };
}

const share = (value: number): number => (Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0);

/** A measure of the user's own as the platform takes it: numbers from 0 to 1. */
export const boundedLoad = ({ cpu, ram }: Load): Load => ({ cpu: share(cpu), ram: share(ram) });

/** Measures the machine between calls. Where the system shows no CPU times, the process's own use stands for it. */
export function hostLoadMeter(): () => Load {
  let last = cpuTimes();
  let lastUse = process.cpuUsage();
  let lastAt = performance.now();
  return () => {
    const now = cpuTimes();
    const use = process.cpuUsage(lastUse);
    const elapsedUs = (performance.now() - lastAt) * 1_000 * availableParallelism();
    const own = elapsedUs > 0 ? (use.user + use.system) / elapsedUs : 0;
    const cpu = now.total > last.total ? (now.busy - last.busy) / (now.total - last.total) : own;
    last = now;
    lastUse = process.cpuUsage();
    lastAt = performance.now();
    return { cpu: share(cpu), ram: share(1 - freemem() / totalmem()) };
  };
}
