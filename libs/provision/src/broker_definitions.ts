/** The subset of RabbitMQ's definitions file that Warren writes. */
export interface BrokerDefinitions {
  vhosts?: readonly { name: string }[];
  users?: readonly BrokerUserDefinition[];
  permissions?: readonly BrokerPermission[];
  topic_permissions?: readonly BrokerTopicPermission[];
  exchanges?: readonly BrokerExchangeDefinition[];
  queues?: readonly BrokerQueueDefinition[];
  bindings?: readonly BrokerBindingDefinition[];
  policies?: readonly BrokerPolicyDefinition[];
}

interface BrokerUserDefinition {
  name: string;
  password_hash: string;
  hashing_algorithm: string;
  tags: readonly string[];
}

/** Regular expressions over resource names; an empty string allows nothing. */
export interface BrokerPermission {
  user: string;
  vhost: string;
  configure: string;
  write: string;
  read: string;
}

/** Regular expressions over routing keys of one topic exchange. */
export interface BrokerTopicPermission {
  user: string;
  vhost: string;
  exchange: string;
  write: string;
  read: string;
}

export interface BrokerExchangeDefinition {
  name: string;
  vhost: string;
  type: string;
  durable: boolean;
  auto_delete: boolean;
  internal: boolean;
  arguments: Record<string, unknown>;
}

export interface BrokerQueueDefinition {
  name: string;
  vhost: string;
  durable: boolean;
  auto_delete: boolean;
  arguments: Record<string, unknown>;
}

export interface BrokerBindingDefinition {
  source: string;
  vhost: string;
  destination: string;
  destination_type: 'queue' | 'exchange';
  routing_key: string;
  arguments: Record<string, unknown>;
}

export interface BrokerPolicyDefinition {
  name: string;
  vhost: string;
  pattern: string;
  'apply-to': string;
  definition: Record<string, unknown>;
  priority: number;
}
