/** Who of the living instances has which partition, as all of them see it. Each call is one decision of the store. */
export interface PartitionStore {
  /** Says that this instance lives. Resolves to the number of instances that do. */
  announce(): Promise<number>;
  /** False: somebody else has it. */
  claim(partition: number): Promise<boolean>;
  /** Prolongs the leases of these partitions. Resolves to those that are still ours. */
  renew(partitions: readonly number[]): Promise<readonly number[]>;
  release(partition: number): Promise<void>;
  /** This instance ends. */
  leave(): Promise<void>;
}
