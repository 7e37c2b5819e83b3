export { player, ServiceKit, server } from './service_kit.ts';
