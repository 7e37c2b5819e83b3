import { CommandOrchestrator } from '@warren/command-center';

/** Unit of work of the allocator's commands: the lease, its place and the messages about it commit together. */
export class AllocationOrchestrator extends CommandOrchestrator {}
