import fs from 'node:fs';
import os from 'node:os';

/** What Linux counts processor time in. */
const TICK_MICROS = 10_000;
const BROKER = 'beam.smp';

/** Microseconds of processor time that the whole machine has worked so far. */
function busyMicros(): number {
  return os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) * 1_000;
}

function brokerPids(): string[] {
  if (!fs.existsSync('/proc')) return [];
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && readProc(name, 'comm').trim() === BROKER);
}

function readProc(pid: string, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function cpuMicrosOf(pid: string): number {
  const stat = readProc(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MICROS;
}

export interface Load {
  readonly at: number;
  readonly busy: number;
  /** Processor time of every broker on this machine, by process. */
  readonly brokers: ReadonlyMap<string, number>;
  readonly own: number;
}

/** The machine at this moment; `known` names the processor time of the measured processes in microseconds. */
export function loadNow(known: number): Load {
  const { user, system } = process.cpuUsage();
  const brokers = new Map(brokerPids().map((pid) => [pid, cpuMicrosOf(pid)]));
  return { at: performance.now(), busy: busyMicros(), brokers, own: known + user + system };
}

/** Processors that others kept busy between two moments: everything but the measured processes and the broker. */
export function foreignCpu(before: Load, after: Load): number {
  const busy = after.busy - before.busy;
  const known = brokerMicros(before, after) + (after.own - before.own);
  return Math.max(0, (busy - known) / 1_000 / (after.at - before.at));
}

/** Processor time of the broker between two moments: of the busiest one, where there are several. */
export function brokerMicros(before: Load, after: Load): number {
  const spent = [...after.brokers].map(([pid, micros]) => micros - (before.brokers.get(pid) ?? micros));
  return Math.max(0, ...spent);
}

export const machine = (): string => {
  const [cpu] = os.cpus();
  const gib = (os.totalmem() / 2 ** 30).toFixed(0);
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${gib} GiB, ${os.type()} ${os.release().split('.').slice(0, 2).join('.')}, Node.js ${process.version}`;
};
