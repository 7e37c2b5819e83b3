export { type Actor, type ActorHeaders, decodeActor, encodeActor } from './actor.ts';
export { declareExchanges, declareServiceTopology } from './apply_topology.ts';
export {
  type BrokerDefinitionsFile,
  type BrokerDefinitionsInput,
  brokerDefinitions,
  brokerPrefixes,
} from './broker_definitions.ts';
export { type BrokerIdentity, SETUP_USERS, userOf } from './broker_identity.ts';
export { ConfirmedPublisher, type ConfirmedPublisherDeps } from './confirmed_publisher.ts';
export type { Delivery, DeliveryProperties } from './delivery.ts';
export type { LinkSession } from './link_session.ts';
export type { OutgoingMessage } from './outgoing_message.ts';
export type { CallFailure, RpcOutcome } from './pending_call.ts';
export { type UserSpec, userSpecs } from './permissions.ts';
export { QueueConsumer, type QueueConsumerDeps } from './queue_consumer.ts';
export { RABBIT_ERRORS } from './rabbit_errors.ts';
export { type LinkRole, type LinkState, RabbitLink, type RabbitLinkDeps } from './rabbit_link.ts';
export type { PublishOutcome } from './rabbit_metrics.ts';
export { type CallOptions, RpcClient, type RpcClientDeps } from './rpc_client.ts';
export { RpcReplier, type RpcReplierDeps, type RpcReply } from './rpc_replier.ts';
export * from './topology.ts';
