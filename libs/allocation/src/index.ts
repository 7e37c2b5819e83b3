export { ALLOCATION, registerAllocation } from './allocation_container.ts';
export type { AllocationSettings } from './allocation_settings.ts';
export { allocationMigrations } from './migrations/allocation_migrations.ts';
export { DEVELOPMENT_ADDRESSES } from './services/address_policy.ts';
