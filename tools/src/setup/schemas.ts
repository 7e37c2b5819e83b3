import { allocationMigrations } from '@warren/allocation';
import { authMigrations } from '@warren/auth';
import { coordinationMigrations } from '@warren/coordination';
import type { MigrationSet } from '@warren/postgres';

/** Which service owns which schema. */
export interface ServiceSchema {
  readonly prefix: string;
  readonly set: MigrationSet;
}

/** Every schema of the system. */
export const SCHEMAS: readonly ServiceSchema[] = [
  { prefix: 'auth', set: authMigrations },
  { prefix: 'allocator', set: allocationMigrations },
  { prefix: 'coordinator', set: coordinationMigrations },
];
