export { MemoryBroker } from './memory_broker.ts';
