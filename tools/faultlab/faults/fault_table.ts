import { BACKLOG_FAULTS } from './backlog_fault.ts';
import { BROKER_FAULTS } from './broker_faults.ts';
import type { FaultType } from './fault.ts';
import { NETWORK_FAULTS } from './network_faults.ts';
import { PROCESS_FAULTS } from './process_faults.ts';
import { STORE_FAULTS } from './store_faults.ts';

const TABLE = { ...STORE_FAULTS, ...BROKER_FAULTS, ...BACKLOG_FAULTS, ...NETWORK_FAULTS, ...PROCESS_FAULTS };

export type FaultKind = keyof typeof TABLE;

/** Every kind of fault that the lab knows. */
export const FAULT_TYPES: Readonly<Record<FaultKind, FaultType>> = TABLE;

/** @throws Error for a kind that nobody knows */
export function faultType(kind: string): FaultType {
  const found = Object.entries(FAULT_TYPES).find(([known]) => known === kind)?.[1];
  if (found === undefined) throw new Error(`there is no fault "${kind}"`);
  return found;
}
