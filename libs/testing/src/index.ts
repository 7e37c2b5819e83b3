export { AMQP_METHOD, type AmqpFrame } from './amqp_frames.ts';
export { ackFrame, closeReasonOf, deliveryTagOf, isRedelivered, qosOf, settlementOf } from './amqp_methods.ts';
export { brokerResources, clearMemoryAlarm, raiseMemoryAlarm, type UserResources } from './broker_resources.ts';
export { type FakeClock, fakeClock } from './fake_clock.ts';
export {
  FaultProxy,
  faultProxy,
} from './fault_proxy.ts';
export { type EffectVerdict, judgeEffects } from './judge_effects.ts';
export { OperationHistory } from './operation_history.ts';
export { type PrivateServers, privateServers } from './private_servers.ts';
export { type ProcessResources, processResources } from './process_resources.ts';
export { RawBroker, type RawMessage } from './raw_broker.ts';
export { SeededRng } from './seeded_rng.ts';
export { type TempDatabase, tempDatabase } from './temp_database.ts';
export { type TempRedis, tempRedis } from './temp_redis.ts';
export { importIntoVhost, type TempVhost, tempVhost } from './temp_vhost.ts';
export type { TestBroker } from './test_broker.ts';
export { bySize, readTestSettings, testSeed } from './test_settings.ts';
export { deleteExchange, deleteQueue, unbindQueue } from './topology_damage.ts';
