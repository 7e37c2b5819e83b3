export { AMQP_METHOD, type AmqpFrame } from './amqp_frames.ts';
export { type FakeClock, fakeClock } from './fake_clock.ts';
export type { Direction, Flow, FrameHook } from './fault_link.ts';
export {
  type Admission,
  FaultProxy,
  type FaultProxyCounters,
  type FaultProxyOptions,
  faultProxy,
} from './fault_proxy.ts';
export { type PrivateServers, privateServers } from './private_servers.ts';
export { type TempDatabase, tempDatabase } from './temp_database.ts';
export { type TempRedis, tempRedis } from './temp_redis.ts';
export { importIntoVhost, type TempVhost, tempVhost, type VhostContent } from './temp_vhost.ts';
export { readTestSettings, type TestSettings } from './test_settings.ts';
