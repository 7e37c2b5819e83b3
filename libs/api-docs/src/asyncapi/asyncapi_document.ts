import type { Json } from '../json.ts';

export interface Ref {
  readonly $ref: string;
}

export interface AsyncServer {
  readonly host: string;
  readonly protocol: string;
  readonly protocolVersion?: string;
  readonly title: string;
  readonly description: string;
  readonly variables?: Json;
  readonly security: readonly Ref[];
}

export interface AsyncChannel {
  readonly address: string;
  readonly title: string;
  readonly description: string;
  readonly servers: readonly Ref[];
  /** Messages that may travel here, by their key in this channel. */
  readonly messages: Record<string, Ref>;
  readonly parameters?: Record<string, Json>;
  readonly bindings: Json;
  /** Queues: type, arguments and what they are bound to. */
  readonly 'x-queue'?: Json;
  /** WebSockets: close code → what it means. */
  readonly 'x-close-codes'?: Readonly<Record<string, string>>;
}

/** What an operation is about, for people and for the check for breaking changes. */
export type OperationKind = 'rpc' | 'command' | 'event' | 'push' | 'dead_letter' | 'request' | 'client_event' | 'frame';

export interface AsyncOperation {
  /** Of the service named by `x-service`. */
  readonly action: 'send' | 'receive';
  readonly channel: Ref;
  readonly title: string;
  readonly summary: string;
  readonly tags: readonly { readonly name: string }[];
  readonly security?: readonly Ref[];
  readonly bindings?: Json;
  readonly messages: readonly Ref[];
  readonly reply?: { readonly channel: Ref; readonly messages: readonly Ref[] };
  readonly 'x-kind': OperationKind;
  /** Prefix of the service that sends or receives. */
  readonly 'x-service': string;
  /** Command or event that it is about; absent where several are. */
  readonly 'x-subject'?: string;
  readonly 'x-rules'?: Json;
}

export interface AsyncMessage {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly contentType: 'application/json';
  readonly headers?: Ref;
  readonly payload: Json;
  readonly bindings?: Json;
  readonly examples?: readonly { readonly name: string; readonly payload: unknown }[];
  /** Error messages: the codes that they may carry. */
  readonly 'x-error-codes'?: readonly string[];
}

export interface AsyncError {
  /** Over HTTP. */
  readonly status: number;
  readonly retryable: boolean;
  readonly message: string;
}

/** An AsyncAPI 3.0 document, as far as ours go. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: Json;
  readonly defaultContentType: 'application/json';
  readonly servers: Readonly<Record<string, AsyncServer>>;
  readonly channels: Readonly<Record<string, AsyncChannel>>;
  readonly operations: Readonly<Record<string, AsyncOperation>>;
  /** Every error code of the messages. */
  readonly 'x-errors': Readonly<Record<string, AsyncError>>;
  readonly components: {
    readonly messages: Readonly<Record<string, AsyncMessage>>;
    readonly schemas: Readonly<Record<string, Json>>;
    readonly securitySchemes: Readonly<Record<string, Json>>;
  };
}
