import type { BaseMicroserviceListener, ListenerDeps, ServiceRegistry } from '@warren/command-center';
import type { Clock, Container, Logger, Rng } from '@warren/kernel';
import type { Database, MigrationSet } from '@warren/postgres';
import type { BrokerIdentity, ConfirmedPublisher, RabbitLink, RpcClient } from '@warren/rabbit';
import type { RedisClient } from '@warren/redis';
import type { Metrics } from '@warren/telemetry';
import type * as z from 'zod';
import type { BaseSettings } from './base_settings.ts';
import type { Health } from './health.ts';

/** What createServiceApp has opened by the time that a service builds its own things. */
export interface ServiceResources<Settings = BaseSettings> {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly health: Health;
  /** Unique per process: `<host>-<pid>-<random>`. */
  readonly instance: string;
  readonly user: BrokerIdentity;
  readonly publishLink: RabbitLink;
  readonly consumeLink: RabbitLink;
  readonly publisher: ConfirmedPublisher;
  readonly rpc: RpcClient;
  readonly database: Database | undefined;
  readonly redis: RedisClient | undefined;
}

/** Work that runs beside the listeners: sagas, sweepers. */
export interface BackgroundTask {
  readonly name: string;
  /** Called again when it failed for a reason that passes. */
  start(): Promise<void> | void;
  stop(): Promise<void>;
}

/** A door to the outside: the gateway's HTTP and WebSocket server. */
interface PublicServer {
  /** Resolves to the URL once it listens. */
  listen(): Promise<string>;
  /** Takes nothing new, answers what is under way, says goodbye to sockets. */
  close(): Promise<void>;
}

/** Everything that createServiceApp needs to know of one service. `apps/<app>/src/service.ts` holds it. */
export interface ServiceDefinition<S extends z.ZodObject = z.ZodObject> {
  /** See rabbitmq_topology.ts. */
  readonly prefix: string;
  /** Extends BaseSettings; with PostgresSettings and RedisSettings where `needs` says so. */
  readonly settings: S;
  readonly needs: { readonly postgres: boolean; readonly redis: boolean };
  readonly registry?: ServiceRegistry;
  readonly migrations?: MigrationSet;
  /** Registers the domain's factories. */
  readonly container: (container: Container, resources: ServiceResources<z.output<S>>) => void;
  /** Makes the listener of one queue; called once per queue that the registry needs. */
  readonly listener?: (deps: ListenerDeps, container: Container) => BaseMicroserviceListener;
  readonly background?: (container: Container) => readonly BackgroundTask[];
  readonly server?: (container: Container, resources: ServiceResources<z.output<S>>) => Promise<PublicServer>;
}
