import type { ContractErrors } from '@warren/contracts';
import type * as z from 'zod';
import type { Json } from '../json.ts';

/** One operation of the documents that comes from no contract. */
export interface DocumentedRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly status: number;
  readonly summary: string;
  readonly operationId: string;
  readonly tag: string;
  readonly access: 'anonymous' | 'player' | 'server' | 'player_or_server';
  readonly ratePerMinute?: number;
  readonly reply: z.ZodType;
  readonly errors: ContractErrors;
}

export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** The parts of an OpenAPI document that others look at; the rest is plain JSON. */
export interface ApiDocument {
  readonly openapi: string;
  readonly info: ApiInfo;
  readonly jsonSchemaDialect: string;
  readonly servers: readonly Json[];
  readonly tags: readonly Json[];
  readonly paths: Record<string, Record<string, Json>>;
  readonly components: Json;
}
