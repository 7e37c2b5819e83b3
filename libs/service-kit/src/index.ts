export { player, type ServiceCallOptions, ServiceKit, server } from './service_kit.ts';
