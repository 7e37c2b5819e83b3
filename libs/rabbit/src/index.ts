export { type Actor, decodeActor, encodeActor } from './actor.ts';
export { declareExchanges, declareServiceTopology } from './apply_topology.ts';
export {
  type BrokerDefinitionsFile,
  type BrokerDefinitionsInput,
  brokerDefinitions,
  brokerPrefixes,
  wholeDefinitions,
} from './broker_definitions.ts';
export { type BrokerIdentity, SETUP_USERS, userOf } from './broker_identity.ts';
export { ConfirmedPublisher } from './confirmed_publisher.ts';
export type { DeadLetter } from './dead_letters/dead_letter.ts';
export { DeadLetterOffice, letterQueues } from './dead_letters/dead_letter_office.ts';
export type { ReplayReport } from './dead_letters/replay_report.ts';
export type { Delivery } from './delivery.ts';
export type { LinkSession } from './link_session.ts';
export { copyOf, deadLetterOf, ORIGIN_HEADER } from './message_copy.ts';
export { HEADER } from './message_headers.ts';
export type { OutgoingMessage } from './outgoing_message.ts';
export { NOTHING, userSpecs } from './permissions.ts';
export { QueueConsumer } from './queue_consumer.ts';
export { QueueDepths } from './queue_depths.ts';
export { RABBIT_ERRORS } from './rabbit_errors.ts';
export { type LinkRole, RabbitLink } from './rabbit_link.ts';
export type { PublishOutcome } from './rabbit_metrics.ts';
export { RpcClient } from './rpc_client.ts';
export { RpcReplier, type RpcReply } from './rpc_replier.ts';
export * from './topology.ts';
